//! Tokens to expressions, one function per precedence. Chains such as `a + b + c` make a tree as
//! deep as they are long, so each link is counted as a level too.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::Fault;
use super::lexer::{Tok, format_pieces};
use super::parser::{Parser, definition};
use super::syntax::{
    Argument, ArgumentKind, Binary, Clause, Comprehension, Expression, Kind, Statement,
    StatementKind, Unary, target_names,
};

/// Binary operators by precedence, loosest first; comparisons are apart as they do not chain.
const LEVELS: [&[(&str, Binary)]; 6] = [
    &[("|", Binary::BitOr)],
    &[("^", Binary::BitXor)],
    &[("&", Binary::BitAnd)],
    &[("<<", Binary::ShiftLeft), (">>", Binary::ShiftRight)],
    &[("+", Binary::Add), ("-", Binary::Subtract)],
    &[
        ("*", Binary::Multiply),
        ("//", Binary::FloorDivide),
        ("/", Binary::Divide),
        ("%", Binary::Remainder),
    ],
];
const COMPARISONS: [(&str, Binary); 7] = [
    ("==", Binary::Equal),
    ("!=", Binary::NotEqual),
    ("<=", Binary::LessEqual),
    (">=", Binary::GreaterEqual),
    ("<", Binary::Less),
    (">", Binary::Greater),
    ("in", Binary::In),
];

impl Parser {
    fn node(&self, at: usize, kind: Kind) -> Expression {
        Expression { at, end: self.previous_end(), kind }
    }

    /// `a` or `a, b`: the latter is a tuple.
    pub(super) fn expression_list(&mut self) -> Result<Expression, Fault> {
        let at = self.at();
        let first = self.expression()?;
        if !self.is(",") {
            return Ok(first);
        }
        let mut parts = vec![first];
        while self.take(",") {
            if self.peek() == &Tok::Newline || ["=", ")", ";"].iter().any(|end| self.is(end)) {
                break;
            }
            parts.push(self.expression()?);
        }
        Ok(self.node(at, Kind::Tuple(parts)))
    }

    pub(super) fn expression(&mut self) -> Result<Expression, Fault> {
        self.deeper()?;
        let found = if self.is("lambda") { self.lambda() } else { self.conditional() };
        self.depth -= 1;
        found
    }

    fn lambda(&mut self) -> Result<Expression, Fault> {
        let at = self.at();
        self.advance();
        let parameters = self.parameters(":")?;
        self.expect(":")?;
        let value = self.expression()?;
        let body = vec![Statement { at: value.at, kind: StatementKind::Return(Some(value)) }];
        let lambda = Rc::new(definition("lambda".to_owned(), parameters, body));
        Ok(self.node(at, Kind::Lambda(lambda)))
    }

    fn conditional(&mut self) -> Result<Expression, Fault> {
        let at = self.at();
        let then = self.either()?;
        if !self.take("if") {
            return Ok(then);
        }
        let condition = self.either()?;
        self.expect("else")?;
        let otherwise = self.expression()?;
        Ok(self.node(at, Kind::Conditional(Box::new([condition, then, otherwise]))))
    }

    fn either(&mut self) -> Result<Expression, Fault> {
        let at = self.at();
        let before = self.depth;
        let mut left = self.both()?;
        while self.take("or") {
            self.deeper()?;
            let right = self.both()?;
            left = self.node(at, Kind::Or(Box::new(left), Box::new(right)));
        }
        self.depth = before;
        Ok(left)
    }

    fn both(&mut self) -> Result<Expression, Fault> {
        let at = self.at();
        let before = self.depth;
        let mut left = self.negation()?;
        while self.take("and") {
            self.deeper()?;
            let right = self.negation()?;
            left = self.node(at, Kind::And(Box::new(left), Box::new(right)));
        }
        self.depth = before;
        Ok(left)
    }

    fn negation(&mut self) -> Result<Expression, Fault> {
        let at = self.at();
        if !self.take("not") {
            return self.comparison();
        }
        self.deeper()?;
        let inner = self.negation()?;
        self.depth -= 1;
        Ok(self.node(at, Kind::Unary(Unary::Not, Box::new(inner))))
    }

    fn comparison(&mut self) -> Result<Expression, Fault> {
        let at = self.at();
        let left = self.arithmetic(0)?;
        let Some(operator) = self.comparison_operator()? else { return Ok(left) };
        let right = self.arithmetic(0)?;
        let again = COMPARISONS.iter().any(|(symbol, _)| self.is(symbol)) || self.is("not");
        if again {
            let rest = "end of expression (comparisons are not associative in Starlark)";
            return Err(self.unexpected(rest));
        }
        Ok(self.node(at, Kind::Binary(Box::new(left), operator, Box::new(right))))
    }

    fn comparison_operator(&mut self) -> Result<Option<Binary>, Fault> {
        if self.take("not") {
            self.expect("in")?;
            return Ok(Some(Binary::NotIn));
        }
        for (symbol, operator) in COMPARISONS {
            if self.take(symbol) {
                return Ok(Some(operator));
            }
        }
        Ok(None)
    }

    /// Operators of at least this level. One function for all levels keeps the stack of nested
    /// brackets small.
    fn arithmetic(&mut self, least: usize) -> Result<Expression, Fault> {
        let at = self.at();
        let before = self.depth;
        let mut left = self.signed()?;
        while let Some((level, operator)) = self.arithmetic_operator(least) {
            self.advance();
            self.deeper()?;
            let right = self.arithmetic(level + 1)?;
            left = self.node(at, Kind::Binary(Box::new(left), operator, Box::new(right)));
        }
        self.depth = before;
        Ok(left)
    }

    fn arithmetic_operator(&self, least: usize) -> Option<(usize, Binary)> {
        let Tok::Symbol(symbol) = self.peek() else { return None };
        for (level, operators) in LEVELS.iter().enumerate().skip(least) {
            if let Some((_, operator)) = operators.iter().find(|(known, _)| known == symbol) {
                return Some((level, *operator));
            }
        }
        None
    }

    fn signed(&mut self) -> Result<Expression, Fault> {
        let at = self.at();
        for (symbol, operator) in [("-", Unary::Minus), ("+", Unary::Plus), ("~", Unary::Invert)] {
            if self.take(symbol) {
                self.deeper()?;
                let inner = self.signed()?;
                self.depth -= 1;
                return Ok(self.node(at, Kind::Unary(operator, Box::new(inner))));
            }
        }
        self.primary()
    }

    /// An operand with its `.name`, `[index]` and `(arguments)`.
    pub(super) fn primary(&mut self) -> Result<Expression, Fault> {
        let at = self.at();
        let before = self.depth;
        let mut found = self.operand()?;
        loop {
            let kind = if self.take(".") {
                Kind::Attribute(Box::new(found), self.name()?)
            } else if self.take("[") {
                self.index(found)?
            } else if self.take("(") {
                let arguments = self.arguments()?;
                Kind::Call(Box::new(found), arguments)
            } else {
                self.depth = before;
                return Ok(found);
            };
            self.deeper()?;
            found = self.node(at, kind);
        }
    }

    fn index(&mut self, object: Expression) -> Result<Kind, Fault> {
        let mut parts = [None, None, None];
        let mut colons = 0;
        for part in &mut parts {
            if !self.is(":") && !self.is("]") {
                *part = Some(self.expression_list()?);
            }
            if colons == 2 || !self.take(":") {
                break;
            }
            colons += 1;
        }
        self.expect("]")?;
        match parts {
            [Some(index), None, None] if colons == 0 => {
                Ok(Kind::Index(Box::new(object), Box::new(index)))
            }
            _ if colons == 0 => Err(self.unexpected("expression")),
            parts => Ok(Kind::Slice(Box::new(object), Box::new(parts))),
        }
    }

    fn arguments(&mut self) -> Result<Vec<Argument>, Fault> {
        let mut arguments: Vec<Argument> = vec![];
        while !self.is(")") {
            let at = self.at();
            let argument = self.argument()?;
            let positional = argument.kind == ArgumentKind::Positional;
            let named_before = arguments.iter().any(|a| a.kind != ArgumentKind::Positional);
            if positional && named_before {
                return Err(Fault::refused(at, "positional argument after non positional"));
            }
            let named = matches!(argument.kind, ArgumentKind::Named(_));
            if named && arguments.iter().any(|other| other.kind == argument.kind) {
                return Err(Fault::refused(at, "repeated named argument"));
            }
            arguments.push(argument);
            if !self.take(",") {
                break;
            }
        }
        self.expect(")")?;
        Ok(arguments)
    }

    fn argument(&mut self) -> Result<Argument, Fault> {
        for (symbol, kind) in [("**", ArgumentKind::NamedSpread), ("*", ArgumentKind::Spread)] {
            if self.take(symbol) {
                return Ok(Argument { kind, value: self.expression()? });
            }
        }
        let value = self.expression()?;
        if self.is("=")
            && let Kind::Name(name) = value.kind
        {
            self.advance();
            return Ok(Argument { kind: ArgumentKind::Named(name), value: self.expression()? });
        }
        Ok(Argument { kind: ArgumentKind::Positional, value })
    }

    fn operand(&mut self) -> Result<Expression, Fault> {
        let at = self.at();
        let kind = match self.peek().clone() {
            Tok::Name(name) => match name.as_str() {
                "None" => Kind::None,
                "True" => Kind::Bool(true),
                "False" => Kind::Bool(false),
                _ => Kind::Name(name),
            },
            Tok::Int(value) => Kind::Int(value),
            Tok::Float(value) => Kind::Float(value),
            Tok::Text(text) => Kind::Text(Rc::from(text)),
            Tok::Format(content) => match format_pieces(&content, at) {
                Some(pieces) => Kind::Format(pieces),
                None => return Err(Fault::unsupported(at, "this f-string")),
            },
            Tok::Symbol("(") => return self.parenthesis(),
            Tok::Symbol("[") => return self.list(),
            Tok::Symbol("{") => return self.dictionary(),
            _ => return Err(self.unexpected("expression")),
        };
        self.advance();
        Ok(self.node(at, kind))
    }

    fn parenthesis(&mut self) -> Result<Expression, Fault> {
        let at = self.at();
        self.advance();
        if self.take(")") {
            return Ok(self.node(at, Kind::Tuple(vec![])));
        }
        let mut inner = self.expression_list()?;
        self.expect(")")?;
        inner.at = at;
        inner.end = self.previous_end();
        Ok(inner)
    }

    fn list(&mut self) -> Result<Expression, Fault> {
        let at = self.at();
        self.advance();
        let mut items = vec![];
        while !self.is("]") {
            items.push(self.expression()?);
            if self.is("for") && items.len() == 1 {
                let value = items.pop().ok_or_else(|| self.unexpected("expression"))?;
                return self.comprehension(at, None, value, "]");
            }
            if !self.take(",") {
                break;
            }
        }
        self.expect("]")?;
        Ok(self.node(at, Kind::List(items)))
    }

    fn dictionary(&mut self) -> Result<Expression, Fault> {
        let at = self.at();
        self.advance();
        let mut items = vec![];
        while !self.is("}") {
            let key = self.expression()?;
            self.expect(":")?;
            let value = self.expression()?;
            if self.is("for") && items.is_empty() {
                return self.comprehension(at, Some(key), value, "}");
            }
            items.push((key, value));
            if !self.take(",") {
                break;
            }
        }
        self.expect("}")?;
        Ok(self.node(at, Kind::Dict(items)))
    }

    fn comprehension(
        &mut self,
        at: usize,
        key: Option<Expression>,
        value: Expression,
        closing: &str,
    ) -> Result<Expression, Fault> {
        let mut clauses = vec![];
        let mut names = BTreeSet::new();
        let before = self.depth;
        loop {
            if self.take("for") {
                self.deeper()?;
                let target = self.loop_target()?;
                self.expect("in")?;
                target_names(&target, &mut names);
                clauses.push(Clause::For(target, self.either()?));
            } else if self.take("if") {
                self.deeper()?;
                clauses.push(Clause::If(self.either()?));
            } else {
                break;
            }
        }
        self.depth = before;
        self.expect(closing)?;
        let names = Rc::new(names);
        let inner = Comprehension { key, value, clauses, names };
        Ok(self.node(at, Kind::Comprehension(Box::new(inner))))
    }
}
