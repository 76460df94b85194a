//! A report as Markdown, with its pictures beside it.

use super::{Block, Picture, Report, Span, Table, Text};

/// The whole file.
pub fn page(report: &Report) -> String {
    format!("# {}\n\n{}\n", text(&report.title), blocks(&report.blocks))
}

/// Blocks, with an empty line between them.
pub fn blocks(blocks: &[Block]) -> String {
    blocks.iter().map(block).collect::<Vec<_>>().join("\n\n")
}

fn block(block: &Block) -> String {
    match block {
        Block::Heading(title) => format!("## {}", text(title)),
        Block::Text(paragraph) => begun(text(paragraph)),
        Block::Table(t) => [table(t), caption(&t.caption)].concat(),
        Block::Picture(p) => picture(p),
        Block::Formula(f) => [format!("```text\n{}\n```", f.plain()), caption(&f.source)].concat(),
    }
}

fn caption(words: &Text) -> String {
    match words.is_empty() {
        true => String::new(),
        false => format!("\n\n_{}_", text(words)),
    }
}

fn picture(p: &Picture) -> String {
    let (alt, path) = (text(&p.alt), target(&p.path));
    match p.is_film {
        true => format!("[{alt}, an animated PNG]({path}), {}", text(&p.caption)),
        false => [format!("![{alt}]({path})"), caption(&p.caption)].concat(),
    }
}

fn table(t: &Table) -> String {
    let line = |cells: &[Text]| {
        let cells: Vec<String> = cells.iter().map(|cell| text(cell).replace('|', "\\|")).collect();
        format!("| {} |", cells.join(" | "))
    };
    let rule = format!("|{}", "---|".repeat(t.header.len()));
    [line(&t.header), rule].into_iter().chain(t.rows.iter().map(|row| line(row))).collect::<Vec<_>>().join("\n")
}

/// A path as the target of a link.
fn target(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for c in path.chars() {
        match c {
            '%' | ' ' | '(' | ')' | '<' | '>' | '\\' | '"' => out += &format!("%{:02X}", c as u32),
            c => out.push(c),
        }
    }
    out
}

fn text(text: &Text) -> String {
    let whole = text.plain();
    // Alone, brackets are no link.
    let links = ["](", "]:", "]["].iter().any(|part| whole.contains(part));
    spans(text, links)
}

fn spans(text: &Text, links: bool) -> String {
    let span = |span: &Span| match span {
        Span::Plain(text) => letters(text, links),
        Span::Emphasis(inner) => format!("*{}*", spans(inner, links)),
        Span::Strong(inner) => format!("**{}**", spans(inner, links)),
        Span::Code(code) => self::code(code),
        Span::Link(inner, path) => format!("[{}]({})", spans(inner, links), target(path)),
    };
    text.0.iter().map(span).collect()
}

/// Letters that are no marks: no emphasis, no HTML.
fn letters(text: &str, links: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let after = rest.peek().copied().unwrap_or(' ');
        let (word, space) =
            (before.is_alphanumeric() && after.is_alphanumeric(), before.is_whitespace() && after.is_whitespace());
        match c {
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '&' => out += "&amp;",
            '*' | '`' | '\\' => out.extend(['\\', c]),
            '[' | ']' if links => out.extend(['\\', c]),
            // Inside a word one is no mark, nor between spaces.
            '_' if !word && !space => out.extend(['\\', c]),
            '~' if !space => out.extend(['\\', c]),
            c => out.push(c),
        }
        before = c;
    }
    out
}

fn code(code: &str) -> String {
    // A fence longer than any inside.
    let longest = code.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let space = if longest > 0 { " " } else { "" };
    format!("{fence}{space}{code}{space}{fence}")
}

/// A paragraph that does not begin as a heading or a list does.
fn begun(paragraph: String) -> String {
    let digits = paragraph.len() - paragraph.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let rest = &paragraph[digits..];
    match rest.chars().next() {
        Some('#' | '-' | '+' | '=') if digits == 0 => format!("\\{paragraph}"),
        Some('.' | ')') if digits > 0 && rest[1..].starts_with(' ') => format!("{}\\{rest}", &paragraph[..digits]),
        _ => paragraph,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{escape, figure, film, formula, heading, table};

    fn written(markup: &str) -> String {
        blocks(&[Block::from(markup)])
    }

    #[test]
    fn blocks_are_what_one_would_write() {
        let all = [
            heading("A"),
            "b *c* **d** `e` [f](g.json)".into(),
            table(["", "h"], [vec!["i | j", "**1**"]], "k"),
            figure("l%.svg", "m", "n"),
            figure("o.svg", "p", ""),
            film("q/film.png", "The r", "one frame an epoch."),
            formula("z = μ + σ ⊙ ε", "s"),
        ];
        let expected = "## A\n\nb *c* **d** `e` [f](g.json)\n\n|  | h |\n|---|---|\n| i \\| j | **1** |\n\n_k_\n\n\
             ![m](figures/l%25.svg)\n\n_n_\n\n![p](figures/o.svg)\n\n\
             [The r, an animated PNG](q/film.png), one frame an epoch.\n\n```text\nz = μ + σ ⊙ ε\n```\n\n_s_";
        assert_eq!(blocks(&all), expected);
    }

    #[test]
    fn text_from_outside_has_no_marks() {
        for (odd, expected) in [
            ("a|b *c* <script> & `d` \\", "a|b \\*c\\* &lt;script&gt; &amp; \\`d\\` \\\\"),
            ("[x](javascript:y)", "\\[x\\](javascript:y)"),
            ("[x]: y", "\\[x\\]: y"),
            ("float [0.1, 1], log", "float [0.1, 1], log"),
            ("batch_size _x_ z ~ q ~~y~~", "batch_size \\_x\\_ z ~ q \\~\\~y\\~\\~"),
            ("# a", "\\# a"),
            ("- a", "\\- a"),
            ("1. a", "1\\. a"),
            ("1.5 nats", "1.5 nats"),
        ] {
            assert_eq!(written(&escape(odd)), expected);
        }
        assert_eq!(code("a`b"), "`` a`b ``");
    }
}
