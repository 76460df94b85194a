//! [`Text`]: words with emphasis, code and links.

/// A piece of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Span {
    /// Letters, shown as they are.
    Plain(String),
    /// `*stressed*`.
    Emphasis(Text),
    /// `**stressed more**`.
    Strong(Text),
    /// `` `as one types it` ``.
    Code(String),
    /// `[text](where it leads)`.
    Link(Text, String),
}

/// A line of text: a sentence, a paragraph, a cell, a caption.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text(pub Vec<Span>);

impl Text {
    /// Whether nothing stands in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Its letters alone.
    pub fn plain(&self) -> String {
        let span = |span: &Span| match span {
            Span::Plain(text) | Span::Code(text) => text.clone(),
            Span::Emphasis(text) | Span::Strong(text) | Span::Link(text, _) => text.plain(),
        };
        self.0.iter().map(span).collect()
    }

    fn push(&mut self, letters: &str) {
        match self.0.last_mut() {
            _ if letters.is_empty() => {}
            Some(Span::Plain(text)) => text.push_str(letters),
            _ => self.0.push(Span::Plain(letters.into())),
        }
    }
}

/// Reads the markup. A mark that is not closed is a letter; so is any letter after a backslash.
impl From<&str> for Text {
    fn from(markup: &str) -> Self {
        let mut text = Text::default();
        let mut rest = markup;
        while let Some(at) = rest.find(['\\', '*', '`', '[']) {
            text.push(&rest[..at]);
            rest = &rest[at..];
            rest = match marked(rest) {
                Some((span, after)) => {
                    text.0.push(span);
                    after
                }
                None => {
                    let letter = usize::from(rest.starts_with('\\') && rest.len() > 1);
                    let length = rest[letter..].chars().next().map_or(0, char::len_utf8);
                    text.push(&rest[letter..letter + length]);
                    &rest[letter + length..]
                }
            };
        }
        text.push(rest);
        text
    }
}

impl From<String> for Text {
    fn from(markup: String) -> Self {
        markup.as_str().into()
    }
}

impl From<&String> for Text {
    fn from(markup: &String) -> Self {
        markup.as_str().into()
    }
}

/// What is marked at the start of `text`, and what stands behind it.
fn marked(text: &str) -> Option<(Span, &str)> {
    let between = |mark: &str| {
        let inner = text.strip_prefix(mark)?;
        let end = closing(inner, mark)?;
        let (inner, after) = (&inner[..end], &inner[end + mark.len()..]);
        // A sign between spaces is one of multiplication.
        (!inner.is_empty() && inner.trim() == inner).then_some((inner, after))
    };
    if text.starts_with("**") {
        return between("**").map(|(inner, after)| (Span::Strong(inner.into()), after));
    }
    match text.as_bytes().first()? {
        b'*' => between("*").map(|(inner, after)| (Span::Emphasis(inner.into()), after)),
        b'`' => between("`").map(|(inner, after)| (Span::Code(without_backslashes(inner)), after)),
        b'[' => {
            let end = closing(&text[1..], "]")?;
            let target = text[1 + end + 1..].strip_prefix('(')?;
            let (target, after) = target.split_at(closing(target, ")")?);
            Some((Span::Link(text[1..=end].into(), without_backslashes(target)), &after[1..]))
        }
        _ => None,
    }
}

/// Where `mark` stands first, but for letters after a backslash.
fn closing(text: &str, mark: &str) -> Option<usize> {
    let mut is_escaped = false;
    for (at, letter) in text.char_indices() {
        if !is_escaped && text[at..].starts_with(mark) {
            return Some(at);
        }
        is_escaped = letter == '\\' && !is_escaped;
    }
    None
}

fn without_backslashes(text: &str) -> String {
    let mut letters = text.chars();
    let mut out = String::new();
    while let Some(letter) = letters.next() {
        out.push(if letter == '\\' { letters.next().unwrap_or('\\') } else { letter });
    }
    out
}

/// Text from outside as markup that shows it: nothing in it is a mark, and it is one line.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '*' | '`' | '[' | ']' => out.extend(['\\', c]),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_read_once_and_what_is_not_closed_are_letters() {
        let plain = |text: &str| Span::Plain(text.into());
        assert_eq!(
            Text::from("a *b* **c `d`** [`e`](f.json)").0,
            [
                plain("a "),
                Span::Emphasis("b".into()),
                plain(" "),
                Span::Strong(Text(vec![plain("c "), Span::Code("d".into())])),
                plain(" "),
                Span::Link(Text(vec![Span::Code("e".into())]), "f.json".into()),
            ]
        );
        for letters in
            ["2 * 3 * 4", "[0, 1)", "E[x | z] + KL(q)", "`a", "*", "**", "a *b", "\\", "[a] (b)", "[a](b", "``"]
        {
            assert_eq!(Text::from(letters).0, [plain(letters)]);
        }
    }

    #[test]
    fn text_from_outside_is_shown_as_it_is() {
        for odd in ["a|b *c* <script> & `d` \\", "[x](javascript:alert)", "**", "\\*", "`", "]]>\"'", "É*é*"] {
            assert_eq!(Text::from(escape(odd)).0, [Span::Plain(odd.into())]);
            assert_eq!(
                Text::from(format!("**{}**", escape(odd))).0,
                [Span::Strong(Text(vec![Span::Plain(odd.into())]))]
            );
            assert_eq!(Text::from(format!("[{}](a)", escape(odd))).plain(), odd);
        }
        assert_eq!(Text::from(escape("a\u{1b}[31m\nb\0")).plain(), "a [31m b ");
        assert!(Text::from("").is_empty());
    }
}
