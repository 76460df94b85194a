//! [`Formula`]: a line of mathematics, as MathML and as plain text.

use super::Text;
use super::html::letters;

/// A line of mathematics.
///
/// It is written as one would in plain text: `z = μ + σ ⊙ ε`. `_` and `^` put the next sign, or all between braces, below and above:
/// `∑_{i=1}^{D} x_i`; `{a}/{b}` is a fraction. Several ASCII letters are a name, such as `ln` or `KL`, one is a variable. A space
/// between two of them is one.
#[derive(Clone, Debug, PartialEq)]
pub struct Formula {
    math: Vec<Math>,
    /// Where it is from.
    pub source: Text,
}

#[derive(Clone, Debug, PartialEq)]
enum Math {
    Name(String),
    Number(String),
    Operator(char),
    Space,
    Group(Vec<Math>),
    /// What stands between an opening and a closing bracket, and these.
    Bracket(char, Vec<Math>, char),
    Script {
        base: Box<Math>,
        below: Option<Box<Math>>,
        above: Option<Box<Math>>,
    },
    Fraction(Box<Math>, Box<Math>),
}

impl Formula {
    /// The formula in the notation above.
    pub fn new(notation: &str, source: impl Into<Text>) -> Self {
        let signs: Vec<char> = notation.chars().collect();
        Formula { math: Reader { signs: &signs, at: 0 }.row(None), source: source.into() }
    }

    /// A `math` element that stands on a line of its own.
    pub fn mathml(&self) -> String {
        let label = letters(&self.plain());
        format!(
            "<math xmlns=\"http://www.w3.org/1998/Math/MathML\" display=\"block\" aria-label=\"{label}\"><mrow>{}</mrow></math>",
            row(&self.math)
        )
    }

    /// In plain text, with indices as Unicode has them: `∑ᵢ₌₁ᴰ xᵢ`.
    pub fn plain(&self) -> String {
        self.math.iter().map(Math::plain).collect()
    }
}

struct Reader<'a> {
    signs: &'a [char],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.signs.get(self.at).copied()
    }

    fn next_if(&mut self, sign: char) -> bool {
        let is_next = self.peek() == Some(sign);
        self.at += usize::from(is_next);
        is_next
    }

    fn take(&mut self, is_part: impl Fn(char) -> bool) -> String {
        let start = self.at;
        while self.peek().is_some_and(&is_part) {
            self.at += 1;
        }
        self.signs[start..self.at].iter().collect()
    }

    /// All up to a closing sign, or to the end.
    fn row(&mut self, closing: Option<&[char]>) -> Vec<Math> {
        let mut row: Vec<Math> = Vec::new();
        while let Some(sign) = self.peek() {
            if closing.is_some_and(|signs| signs.contains(&sign)) {
                break;
            }
            let atom = self.atom();
            let (mut below, mut above) = (None, None);
            loop {
                match self.peek() {
                    Some('_') => below = self.script(),
                    Some('^') => above = self.script(),
                    _ => break,
                }
            }
            let atom = match (below, above) {
                (None, None) => atom,
                (below, above) => Math::Script { base: Box::new(atom), below, above },
            };
            // A fraction has a group above its bar.
            let is_fraction = matches!(atom, Math::Group(_)) && self.next_if('/');
            row.push(if is_fraction { Math::Fraction(Box::new(atom), Box::new(self.atom())) } else { atom });
        }
        row
    }

    fn script(&mut self) -> Option<Box<Math>> {
        self.at += 1;
        Some(Box::new(self.atom()))
    }

    fn atom(&mut self) -> Math {
        match self.peek() {
            Some(c) if c.is_ascii_digit() => Math::Number(self.take(|c| c.is_ascii_digit() || c == '.')),
            Some(c) if c.is_ascii_alphabetic() => Math::Name(self.take(|c| c.is_ascii_alphabetic())),
            Some(c) => {
                self.at += 1;
                match c {
                    ' ' => Math::Space,
                    '{' => {
                        let row = self.row(Some(&['}']));
                        self.at += 1;
                        Math::Group(row)
                    }
                    '(' | '[' => {
                        let row = self.row(Some(&[')', ']']));
                        let end = self.peek().unwrap_or(')');
                        self.at += 1;
                        Math::Bracket(c, row, end)
                    }
                    c if c.is_alphabetic() => Math::Name(c.into()),
                    c => Math::Operator(c),
                }
            }
            None => Math::Group(Vec::new()),
        }
    }
}

/// Parts side by side. Signs bring their own space.
fn row(parts: &[Math]) -> String {
    let is_sign = |part: Option<&Math>| match part {
        Some(Math::Script { base, .. }) => matches!(**base, Math::Operator(_)),
        part => matches!(part, None | Some(Math::Operator(_))),
    };
    let shown = |(i, part): (usize, &Math)| match part {
        Math::Space if is_sign(i.checked_sub(1).map(|i| &parts[i])) || is_sign(parts.get(i + 1)) => String::new(),
        part => part.mathml(),
    };
    parts.iter().enumerate().map(shown).collect()
}

impl Math {
    fn mathml(&self) -> String {
        match self {
            Math::Name(name) => format!("<mi>{name}</mi>"),
            Math::Number(number) => format!("<mn>{number}</mn>"),
            // These would stretch, and stand as brackets do.
            Math::Operator(bar @ ('|' | '‖')) => {
                format!("<mo stretchy=\"false\" lspace=\"0.2em\" rspace=\"0.2em\">{bar}</mo>")
            }
            Math::Operator('~') => "<mo>∼</mo>".into(),
            Math::Operator(sign) => format!("<mo>{}</mo>", letters(&sign.to_string())),
            Math::Space => "<mspace width=\"0.17em\"/>".into(),
            Math::Group(parts) => format!("<mrow>{}</mrow>", row(parts)),
            Math::Bracket(open, parts, close) => format!("<mrow><mo>{open}</mo>{}<mo>{close}</mo></mrow>", row(parts)),
            Math::Fraction(above, below) => format!("<mfrac>{}{}</mfrac>", above.mathml(), below.mathml()),
            Math::Script { base, below, above } => {
                // Limits of a sum stand under and over it.
                let name = match (&**base, below, above) {
                    (Math::Operator(_), Some(_), Some(_)) => "munderover",
                    (Math::Operator(_), Some(_), None) => "munder",
                    (Math::Operator(_), None, _) => "mover",
                    (_, Some(_), Some(_)) => "msubsup",
                    (_, Some(_), None) => "msub",
                    (_, None, _) => "msup",
                };
                let parts = [below, above].into_iter().flatten().map(|part| part.mathml()).collect::<String>();
                format!("<{name}>{}{parts}</{name}>", base.mathml())
            }
        }
    }

    fn plain(&self) -> String {
        let all = |row: &[Math]| row.iter().map(Math::plain).collect::<String>();
        match self {
            Math::Name(text) | Math::Number(text) => text.clone(),
            Math::Operator(sign) => sign.to_string(),
            Math::Space => " ".into(),
            Math::Group(row) => all(row),
            Math::Bracket(open, row, close) => format!("{open}{}{close}", all(row)),
            Math::Fraction(above, below) => format!("{}/{}", above.operand(), below.operand()),
            Math::Script { base, below, above } => {
                let part = |part: &Option<Box<Math>>, mark: char, small: fn(char) -> Option<char>| {
                    let Some(part) = part else { return String::new() };
                    let small: Option<String> = part.plain().chars().map(small).collect();
                    small.unwrap_or_else(|| format!("{mark}{}", part.operand()))
                };
                [base.plain(), part(below, '_', subscript), part(above, '^', superscript)].concat()
            }
        }
    }

    /// In brackets, where it has several parts.
    fn operand(&self) -> String {
        let divides = |part: &Math| matches!(part, Math::Operator(_) | Math::Space);
        match self {
            Math::Group(parts) if parts.iter().any(divides) => format!("({})", self.plain()),
            _ => self.plain(),
        }
    }
}

/// The sign as an index, where Unicode has one.
fn subscript(c: char) -> Option<char> {
    counterpart(c, "0123456789+−=ijkxt", "₀₁₂₃₄₅₆₇₈₉₊₋₌ᵢⱼₖₓₜ")
}

fn superscript(c: char) -> Option<char> {
    counterpart(c, "0123456789+−=niDT", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼ⁿⁱᴰᵀ")
}

fn counterpart(c: char, from: &str, to: &str) -> Option<char> {
    from.chars().zip(to.chars()).find(|(from, _)| *from == c).map(|(_, to)| to)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mathml(notation: &str) -> String {
        let text = Formula::new(notation, "").mathml();
        roxmltree::Document::parse(&text).unwrap_or_else(|e| panic!("{notation}: {e}"));
        text.split_once("<mrow>").unwrap().1.strip_suffix("</mrow></math>").unwrap().to_string()
    }

    #[test]
    fn names_numbers_and_signs_are_told_apart() {
        assert_eq!(mathml("2x<y"), "<mn>2</mn><mi>x</mi><mo>&lt;</mo><mi>y</mi>");
        assert_eq!(mathml("ln p"), "<mi>ln</mi><mspace width=\"0.17em\"/><mi>p</mi>");
        assert_eq!(mathml("a = b"), mathml("a=b"));
        assert_eq!(mathml("(a]"), "<mrow><mo>(</mo><mi>a</mi><mo>]</mo></mrow>");
    }

    #[test]
    fn scripts_stand_below_and_above() {
        assert_eq!(mathml("σ_j^2"), "<msubsup><mi>σ</mi><mi>j</mi><mn>2</mn></msubsup>");
        assert_eq!(
            mathml("∑_{i=1}^{D}"),
            "<munderover><mo>∑</mo><mrow><mi>i</mi><mo>=</mo><mn>1</mn></mrow><mrow><mi>D</mi></mrow></munderover>"
        );
        assert_eq!(mathml("{g}/{l}"), "<mfrac><mrow><mi>g</mi></mrow><mrow><mi>l</mi></mrow></mfrac>");
    }

    #[test]
    fn plain_text_reads_as_one_would_write_it() {
        let plain = |notation: &str| Formula::new(notation, "").plain();
        assert_eq!(plain("∑_{i=1}^{D} x_i^2"), "∑ᵢ₌₁ᴰ xᵢ²");
        assert_eq!(plain("E_q[x] + {g(x)}/{2}"), "E_q[x] + g(x)/2");
        assert_eq!(plain("a^{−1} ≥ b_{q r}"), "a⁻¹ ≥ b_(q r)");
    }

    #[test]
    fn no_notation_is_a_panic() {
        for notation in ["", "_", "^", "{", "(", ")", "{a}/", "a_", "}", "a__b", "{{}}/{}/"] {
            mathml(notation);
            Formula::new(notation, "").plain();
        }
    }
}
