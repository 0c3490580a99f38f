//! The tree of a rules file. Every node knows its byte offset for messages.

use std::collections::BTreeSet;
use std::rc::Rc;

pub(super) type Names = Rc<BTreeSet<String>>;

/// A whole file.
#[derive(Debug)]
pub(super) struct Module {
    pub(super) body: Vec<Statement>,
    /// Names that the file itself binds at its top level.
    pub(super) names: Names,
}

#[derive(Debug)]
pub(super) struct Statement {
    pub(super) at: usize,
    pub(super) kind: StatementKind,
}

#[derive(Debug)]
pub(super) enum StatementKind {
    Expression(Expression),
    Assign(Target, Expression),
    Augment(Target, Binary, Expression),
    If(Vec<(Expression, Vec<Statement>)>, Vec<Statement>),
    For(Target, Expression, Vec<Statement>),
    Define(Rc<Definition>),
    Return(Option<Expression>),
    Break,
    Continue,
    Pass,
    Load(String),
}

/// What stands left of `=` or after `for`.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) at: usize,
    pub(super) kind: TargetKind,
}

#[derive(Debug)]
pub(super) enum TargetKind {
    Name(String),
    Index(Expression, Expression),
    Unpack(Vec<Target>),
}

/// A `def` or `lambda`.
#[derive(Debug)]
pub(super) struct Definition {
    pub(super) name: String,
    pub(super) parameters: Vec<Parameter>,
    pub(super) body: Vec<Statement>,
    /// Names bound in the body, parameters included.
    pub(super) names: Names,
}

#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) kind: ParameterKind,
}

#[derive(Debug)]
pub(super) enum ParameterKind {
    Plain(Option<Expression>),
    /// A bare `*`: what follows is named only.
    Star,
    Rest,
    NamedRest,
}

#[derive(Debug)]
pub(super) struct Expression {
    pub(super) at: usize,
    pub(super) end: usize,
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Rc<str>),
    /// An f-string: text pieces and names in turn.
    Format(Vec<FormatPiece>),
    Name(String),
    List(Vec<Expression>),
    Tuple(Vec<Expression>),
    Dict(Vec<(Expression, Expression)>),
    Unary(Unary, Box<Expression>),
    Binary(Box<Expression>, Binary, Box<Expression>),
    And(Box<Expression>, Box<Expression>),
    Or(Box<Expression>, Box<Expression>),
    /// Condition, then, else.
    Conditional(Box<[Expression; 3]>),
    Attribute(Box<Expression>, String),
    Index(Box<Expression>, Box<Expression>),
    Slice(Box<Expression>, Box<[Option<Expression>; 3]>),
    Call(Box<Expression>, Vec<Argument>),
    Lambda(Rc<Definition>),
    Comprehension(Box<Comprehension>),
}

#[derive(Debug)]
pub(super) enum FormatPiece {
    Text(String),
    Name(usize, String),
}

#[derive(Debug)]
pub(super) struct Comprehension {
    /// The key, if the result is a dictionary.
    pub(super) key: Option<Expression>,
    pub(super) value: Expression,
    pub(super) clauses: Vec<Clause>,
    pub(super) names: Names,
}

#[derive(Debug)]
pub(super) enum Clause {
    For(Target, Expression),
    If(Expression),
}

#[derive(Debug)]
pub(super) struct Argument {
    pub(super) kind: ArgumentKind,
    pub(super) value: Expression,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum ArgumentKind {
    Positional,
    Named(String),
    Spread,
    NamedSpread,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Unary {
    Not,
    Minus,
    Plus,
    Invert,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Remainder,
    BitAnd,
    BitOr,
    BitXor,
    ShiftLeft,
    ShiftRight,
    Equal,
    NotEqual,
    Less,
    Greater,
    LessEqual,
    GreaterEqual,
    In,
    NotIn,
}

impl Binary {
    /// The operator as written.
    pub(super) fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::FloorDivide => "//",
            Self::Remainder => "%",
            Self::BitAnd => "&",
            Self::BitOr => "|",
            Self::BitXor => "^",
            Self::ShiftLeft => "<<",
            Self::ShiftRight => ">>",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::Greater => ">",
            Self::LessEqual => "<=",
            Self::GreaterEqual => ">=",
            Self::In => "in",
            Self::NotIn => "not in",
        }
    }
}

/// Adds the names that statements bind, without looking into nested functions.
pub(super) fn bound_names(body: &[Statement], into: &mut BTreeSet<String>) {
    for statement in body {
        match &statement.kind {
            StatementKind::Assign(target, _) | StatementKind::Augment(target, ..) => {
                target_names(target, into);
            }
            StatementKind::If(branches, otherwise) => {
                for (_, branch) in branches {
                    bound_names(branch, into);
                }
                bound_names(otherwise, into);
            }
            StatementKind::For(target, _, inner) => {
                target_names(target, into);
                bound_names(inner, into);
            }
            StatementKind::Define(definition) => {
                into.insert(definition.name.clone());
            }
            StatementKind::Expression(_)
            | StatementKind::Return(_)
            | StatementKind::Break
            | StatementKind::Continue
            | StatementKind::Pass
            | StatementKind::Load(_) => {}
        }
    }
}

/// Adds the names that a target binds.
pub(super) fn target_names(target: &Target, into: &mut BTreeSet<String>) {
    match &target.kind {
        TargetKind::Name(name) => {
            into.insert(name.clone());
        }
        TargetKind::Index(..) => {}
        TargetKind::Unpack(parts) => parts.iter().for_each(|part| target_names(part, into)),
    }
}
