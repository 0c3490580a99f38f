//! Tokens to statements. Recursion is counted against the nesting limit.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::Fault;
use super::lexer::{Spanned, Tok, tokens};
use super::syntax::{
    Binary, Definition, Expression, Kind, Module, Parameter, ParameterKind, Statement,
    StatementKind, Target, TargetKind, bound_names,
};

/// Parses a whole file.
///
/// # Errors
/// The first syntax problem in reading order, or the nesting limit.
pub(super) fn parse(text: &str, nesting: usize) -> Result<Module, Fault> {
    let found = tokens(text);
    let end = Spanned { tok: Tok::End, at: text.len(), end: text.len() };
    let mut parser =
        Parser { found, next: 0, end, depth: 0, nesting, in_function: false, in_loop: false };
    let mut body = vec![];
    while parser.peek() != &Tok::End {
        if parser.peek() == &Tok::Newline {
            parser.advance();
            continue;
        }
        parser.statement(&mut body)?;
    }
    let mut names = BTreeSet::new();
    bound_names(&body, &mut names);
    Ok(Module { body, names: Rc::new(names) })
}

pub(super) struct Parser {
    found: Vec<Spanned>,
    next: usize,
    end: Spanned,
    pub(super) depth: usize,
    nesting: usize,
    in_function: bool,
    in_loop: bool,
}

impl Parser {
    pub(super) fn current(&self) -> &Spanned {
        self.found.get(self.next).unwrap_or(&self.end)
    }

    pub(super) fn peek(&self) -> &Tok {
        &self.current().tok
    }

    pub(super) fn at(&self) -> usize {
        self.current().at
    }

    /// End of the token before the current one.
    pub(super) fn previous_end(&self) -> usize {
        let previous = self.next.checked_sub(1).and_then(|index| self.found.get(index));
        previous.map_or(0, |token| token.end)
    }

    pub(super) fn advance(&mut self) {
        self.next += 1;
    }

    pub(super) fn is(&self, symbol: &str) -> bool {
        matches!(self.peek(), Tok::Symbol(found) if *found == symbol)
    }

    /// Takes the symbol if it stands here.
    pub(super) fn take(&mut self, symbol: &str) -> bool {
        let found = self.is(symbol);
        if found {
            self.advance();
        }
        found
    }

    pub(super) fn expect(&mut self, symbol: &str) -> Result<(), Fault> {
        if self.take(symbol) {
            return Ok(());
        }
        let word = symbol.starts_with(|c: char| c.is_ascii_lowercase());
        let kind = if word { "keyword" } else { "symbol" };
        Err(self.unexpected(&format!("{kind} '{symbol}'")))
    }

    pub(super) fn name(&mut self) -> Result<String, Fault> {
        let Tok::Name(name) = self.peek() else { return Err(self.unexpected("identifier")) };
        let name = name.clone();
        self.advance();
        Ok(name)
    }

    pub(super) fn unexpected(&self, expected: &str) -> Fault {
        let what = match self.peek() {
            Tok::Bad(message) => {
                let fault = Fault::refused(self.at(), format!("Parse error: {message}"));
                let tabs = message.starts_with("tabs");
                return if tabs { fault.with_help("indent with spaces") } else { fault };
            }
            Tok::Unknown(what) => return Fault::unsupported(self.at(), what),
            Tok::Name(name) => format!("identifier '{name}'"),
            Tok::Int(value) => format!("integer literal '{value}'"),
            Tok::Float(value) => format!("float literal '{value}'"),
            Tok::Text(text) | Tok::Format(text) => format!("string literal {text:?}"),
            Tok::Symbol(symbol) if symbol.starts_with(|c: char| c.is_ascii_lowercase()) => {
                format!("keyword '{symbol}'")
            }
            Tok::Symbol(symbol) => format!("symbol '{symbol}'"),
            Tok::Newline | Tok::End => "new line".to_owned(),
            Tok::Indent => "new indentation block".to_owned(),
            Tok::Dedent => "end of indentation block".to_owned(),
        };
        let message = format!("Parse error: unexpected {what}, expected {expected}");
        Fault::refused(self.at(), message)
    }

    /// Counts one more level; the caller takes it back with `self.depth -= 1`.
    pub(super) fn deeper(&mut self) -> Result<(), Fault> {
        self.depth += 1;
        if self.depth > self.nesting {
            let message = format!("nested more than {} levels deep", self.nesting);
            return Err(Fault::limit(self.at(), message));
        }
        Ok(())
    }

    fn statement(&mut self, into: &mut Vec<Statement>) -> Result<(), Fault> {
        self.deeper()?;
        let at = self.at();
        let kind = match self.peek() {
            Tok::Symbol("def") => Some(self.define()?),
            Tok::Symbol("if") => Some(self.condition()?),
            Tok::Symbol("for") => Some(self.repetition()?),
            _ => None,
        };
        match kind {
            Some(kind) => into.push(Statement { at, kind }),
            None => self.simple_line(into)?,
        }
        self.depth -= 1;
        Ok(())
    }

    fn simple_line(&mut self, into: &mut Vec<Statement>) -> Result<(), Fault> {
        loop {
            let at = self.at();
            let kind = self.simple()?;
            into.push(Statement { at, kind });
            let more = self.take(";");
            if self.peek() == &Tok::Newline {
                self.advance();
                return Ok(());
            }
            if !more {
                return Err(self.unexpected("new line"));
            }
        }
    }

    fn simple(&mut self) -> Result<StatementKind, Fault> {
        let at = self.at();
        if self.take("pass") {
            return Ok(StatementKind::Pass);
        }
        for (word, kind) in [("break", StatementKind::Break), ("continue", StatementKind::Continue)]
        {
            if self.take(word) {
                let message = format!("`{word}` cannot be used outside of a `for` loop");
                return if self.in_loop { Ok(kind) } else { Err(Fault::refused(at, message)) };
            }
        }
        if self.take("return") {
            let ends = self.peek() == &Tok::Newline || self.is(";");
            let value = if ends { None } else { Some(self.expression_list()?) };
            let message = "`return` cannot be used outside of a `def` function";
            return if self.in_function {
                Ok(StatementKind::Return(value))
            } else {
                Err(Fault::refused(at, message))
            };
        }
        if self.take("load") {
            return self.load();
        }
        let left = self.expression_list()?;
        if self.is(":") && matches!(left.kind, Kind::Name(_)) {
            return Err(Fault::unsupported(self.at(), "a type annotation"));
        }
        if self.take("=") {
            let target = target(left)?;
            return Ok(StatementKind::Assign(target, self.expression_list()?));
        }
        let Some(operator) = self.augmented() else { return Ok(StatementKind::Expression(left)) };
        let target = target(left)?;
        Ok(StatementKind::Augment(target, operator, self.expression_list()?))
    }

    fn augmented(&mut self) -> Option<Binary> {
        let Tok::Symbol(symbol) = self.peek() else { return None };
        let operator = match *symbol {
            "+=" => Binary::Add,
            "-=" => Binary::Subtract,
            "*=" => Binary::Multiply,
            "/=" => Binary::Divide,
            "//=" => Binary::FloorDivide,
            "%=" => Binary::Remainder,
            "&=" => Binary::BitAnd,
            "|=" => Binary::BitOr,
            "^=" => Binary::BitXor,
            "<<=" => Binary::ShiftLeft,
            ">>=" => Binary::ShiftRight,
            _ => return None,
        };
        self.advance();
        Some(operator)
    }

    fn load(&mut self) -> Result<StatementKind, Fault> {
        self.expect("(")?;
        let Tok::Text(path) = self.peek() else { return Err(self.unexpected("string literal")) };
        let path = path.clone();
        self.advance();
        while self.take(",") {
            if matches!(self.peek(), Tok::Name(_)) {
                self.advance();
                self.expect("=")?;
            }
            if matches!(self.peek(), Tok::Text(_)) {
                self.advance();
            }
        }
        self.expect(")")?;
        Ok(StatementKind::Load(path))
    }

    fn block(&mut self) -> Result<Vec<Statement>, Fault> {
        self.expect(":")?;
        let mut body = vec![];
        if self.peek() != &Tok::Newline {
            self.simple_line(&mut body)?;
            return Ok(body);
        }
        self.advance();
        if self.peek() != &Tok::Indent {
            return Err(self.unexpected("new indentation block"));
        }
        self.advance();
        while self.peek() != &Tok::Dedent {
            self.statement(&mut body)?;
        }
        self.advance();
        Ok(body)
    }

    fn condition(&mut self) -> Result<StatementKind, Fault> {
        self.advance();
        let first = self.expression()?;
        let mut branches = vec![(first, self.block()?)];
        while self.take("elif") {
            let next = self.expression()?;
            branches.push((next, self.block()?));
        }
        let otherwise = if self.take("else") { self.block()? } else { vec![] };
        Ok(StatementKind::If(branches, otherwise))
    }

    fn repetition(&mut self) -> Result<StatementKind, Fault> {
        self.advance();
        let target = self.loop_target()?;
        self.expect("in")?;
        let values = self.expression_list()?;
        let outer = std::mem::replace(&mut self.in_loop, true);
        let body = self.block()?;
        self.in_loop = outer;
        Ok(StatementKind::For(target, values, body))
    }

    /// The names after `for`; `in` ends them, so they are not whole expressions.
    pub(super) fn loop_target(&mut self) -> Result<Target, Fault> {
        let at = self.at();
        let first = self.primary()?;
        if !self.is(",") {
            return target(first);
        }
        let mut parts = vec![target(first)?];
        while self.take(",") {
            if self.is("in") {
                break;
            }
            let part = self.primary()?;
            parts.push(target(part)?);
        }
        Ok(Target { at, kind: TargetKind::Unpack(parts) })
    }

    fn define(&mut self) -> Result<StatementKind, Fault> {
        self.advance();
        let name = self.name()?;
        self.expect("(")?;
        let parameters = self.parameters(")")?;
        self.expect(")")?;
        if self.is("->") {
            return Err(Fault::unsupported(self.at(), "a type annotation"));
        }
        let outer_loop = std::mem::replace(&mut self.in_loop, false);
        let outer_function = std::mem::replace(&mut self.in_function, true);
        let body = self.block()?;
        self.in_loop = outer_loop;
        self.in_function = outer_function;
        Ok(StatementKind::Define(Rc::new(definition(name, parameters, body))))
    }

    /// Parameters of a `def` or `lambda`, up to but without `closing`.
    pub(super) fn parameters(&mut self, closing: &str) -> Result<Vec<Parameter>, Fault> {
        let mut parameters: Vec<Parameter> = vec![];
        let mut defaults = false;
        let mut named_only = false;
        while !self.is(closing) {
            let at = self.at();
            let parameter = self.parameter(closing)?;
            let required = matches!(parameter.kind, ParameterKind::Plain(None));
            if required && defaults && !named_only {
                let message = "positional parameter after non positional";
                return Err(Fault::refused(at, message));
            }
            defaults |= matches!(parameter.kind, ParameterKind::Plain(Some(_)));
            named_only |= matches!(parameter.kind, ParameterKind::Star | ParameterKind::Rest);
            let known = parameters.iter().any(|other| other.name == parameter.name);
            if known && !parameter.name.is_empty() {
                return Err(Fault::refused(at, "duplicated parameter name"));
            }
            let last = matches!(parameters.last().map(|p| &p.kind), Some(ParameterKind::NamedRest));
            if last {
                return Err(Fault::refused(at, "parameter after `**`"));
            }
            parameters.push(parameter);
            if !self.take(",") {
                break;
            }
        }
        Ok(parameters)
    }

    fn parameter(&mut self, closing: &str) -> Result<Parameter, Fault> {
        if self.take("**") {
            return Ok(Parameter { name: self.name()?, kind: ParameterKind::NamedRest });
        }
        if self.take("*") {
            if self.is(",") || self.is(closing) {
                return Ok(Parameter { name: String::new(), kind: ParameterKind::Star });
            }
            return Ok(Parameter { name: self.name()?, kind: ParameterKind::Rest });
        }
        let name = self.name()?;
        if closing == ")" && self.is(":") {
            return Err(Fault::unsupported(self.at(), "a type annotation"));
        }
        let default = if self.take("=") { Some(self.expression()?) } else { None };
        Ok(Parameter { name, kind: ParameterKind::Plain(default) })
    }
}

pub(super) fn definition(
    name: String,
    parameters: Vec<Parameter>,
    body: Vec<Statement>,
) -> Definition {
    let mut names: BTreeSet<String> =
        parameters.iter().map(|parameter| parameter.name.clone()).collect();
    bound_names(&body, &mut names);
    Definition { name, parameters, body, names: Rc::new(names) }
}

/// Turns what was parsed as an expression into what can be assigned to.
fn target(expression: Expression) -> Result<Target, Fault> {
    let Expression { at, kind, .. } = expression;
    let kind = match kind {
        Kind::Name(name) => TargetKind::Name(name),
        Kind::Index(object, index) => TargetKind::Index(*object, *index),
        Kind::List(parts) | Kind::Tuple(parts) => {
            TargetKind::Unpack(parts.into_iter().map(target).collect::<Result<_, _>>()?)
        }
        Kind::Attribute(..) => return Err(Fault::unsupported(at, "assigning to an attribute")),
        _ => {
            let message = "left-hand-side of assignment must take the form `a`, `a.b` or `a[b]`";
            return Err(Fault::refused(at, message));
        }
    };
    Ok(Target { at, kind })
}
