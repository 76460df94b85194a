//! A report as one HTML page that needs nothing else: style and pictures are in it, and it has no script.
//!
//! It is XML at the same time (each element is closed, each attribute quoted), so that a strict parser can check it. A
//! content security policy has the browser hold what is promised: no request to anywhere, nothing is run.

use super::{Block, Picture, Report, Span, Table, Text};
use crate::error::Result;
use base64::{Engine, engine::general_purpose::STANDARD};

const STYLE: &str = include_str!("page.css");

/// The page. `read` gives the contents of a picture; one that is not there is left out.
///
/// # Errors
/// When `read` fails.
pub fn page(report: &Report, read: impl Fn(&Picture) -> Result<Option<Vec<u8>>>) -> Result<String> {
    let mut sections = Vec::new();
    let mut body = format!("<h1>{}</h1>\n", text(&report.title));
    for block in &report.blocks {
        match block {
            Block::Heading(title) => {
                let id = anchor(title, sections.len() + 1);
                body += &format!("<h2 id=\"{id}\">{}</h2>\n", text(title));
                sections.push(format!("<li><a href=\"#{id}\">{}</a></li>\n", letters(&title.plain())));
            }
            Block::Text(paragraph) => body += &format!("<p>{}</p>\n", text(paragraph)),
            Block::Table(t) => body += &table(t),
            Block::Picture(p) => body.extend(read(p)?.map(|bytes| picture(p, &bytes))),
            Block::Formula(f) => {
                body += &format!(
                    "<figure class=\"formula\"><div class=\"box\">{}</div>{}</figure>\n",
                    f.mathml(),
                    caption("", &f.source)
                );
            }
        }
    }
    let contents = match sections.is_empty() {
        true => String::new(),
        false => format!("<nav aria-label=\"Contents\">\n<p>Contents</p>\n<ol>\n{}</ol>\n</nav>\n", sections.concat()),
    };
    Ok(format!(
        "<!DOCTYPE html>\n\
         <html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\"/>\n\
         <meta name=\"color-scheme\" content=\"light dark\"/>\n\
         <meta name=\"generator\" content=\"elbo {}\"/>\n\
         <link rel=\"icon\" href=\"data:,\"/>\n<title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n\
         <body>\n<div class=\"page\">\n{contents}<main>\n{body}</main>\n</div>\n</body>\n</html>\n",
        env!("CARGO_PKG_VERSION"),
        letters(&report.title.plain())
    ))
}

/// The name of a section in links: its letters and digits, and its number, so that no two are the same.
fn anchor(title: &Text, number: usize) -> String {
    let plain = title.plain().to_lowercase();
    let words: Vec<&str> = plain.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    format!("{number}-{}", words.join("-"))
}

fn text(text: &Text) -> String {
    let span = |span: &Span| match span {
        // A number stays with its unit.
        Span::Plain(text) => letters(text).replace(" %", "\u{a0}%"),
        Span::Emphasis(inner) => format!("<em>{}</em>", self::text(inner)),
        Span::Strong(inner) => format!("<strong>{}</strong>", self::text(inner)),
        Span::Code(code) => format!("<code>{}</code>", letters(code)),
        Span::Link(inner, target) => format!("<a href=\"{}\">{}</a>", letters(target), self::text(inner)),
    };
    text.0.iter().map(span).collect()
}

/// Letters as the content of an element or of a quoted attribute. Those that XML forbids are left out.
pub(super) fn letters(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&#39;",
            '\u{FFFE}' | '\u{FFFF}' => {}
            c if c.is_control() && c != '\n' => {}
            c => out.push(c),
        }
    }
    out
}

fn caption(class: &str, words: &Text) -> String {
    match words.is_empty() {
        true => String::new(),
        false => format!("<figcaption{class}>{}</figcaption>", text(words)),
    }
}

fn table(t: &Table) -> String {
    let columns = t.rows.iter().map(Vec::len).chain([t.header.len()]).max().unwrap_or(0);
    let classes: Vec<&str> = (0..columns).map(|c| if is_numeric(t, c) { " class=\"number\"" } else { "" }).collect();
    let header: String = t
        .header
        .iter()
        .zip(&classes)
        .map(|(cell, class)| format!("<th scope=\"col\"{class}>{}</th>", text(cell)))
        .collect();
    let row = |cells: &Vec<Text>| {
        let cells: String =
            cells.iter().zip(&classes).map(|(cell, class)| format!("<td{class}>{}</td>", text(cell))).collect();
        format!("<tr>{cells}</tr>\n")
    };
    format!(
        "<figure>{}<div class=\"scroll\"><table>\n<thead><tr>{header}</tr></thead>\n<tbody>\n{}</tbody>\n</table></div></figure>\n",
        caption(" class=\"above\"", &t.caption),
        t.rows.iter().map(row).collect::<String>()
    )
}

/// Whether all that stands in a column begins as a number does, or says that there is none.
fn is_numeric(t: &Table, column: usize) -> bool {
    let is_number = |text: &String| {
        text == "–" || text.trim_start_matches(['-', '−', '+']).starts_with(|c: char| c.is_ascii_digit())
    };
    let mut cells =
        t.rows.iter().filter_map(|row| row.get(column)).map(Text::plain).filter(|text| !text.is_empty()).peekable();
    cells.peek().is_some() && cells.all(|text| is_number(&text))
}

fn picture(p: &Picture, bytes: &[u8]) -> String {
    let (kind, size) = match png_size(bytes) {
        Some(size) => ("png", Some(size)),
        None => ("svg+xml", svg_size(bytes)),
    };
    // Images show their pixels, small ones twice as large.
    let class = if kind == "png" { "pixels" } else { "drawn" };
    let times = if kind == "png" && size.is_some_and(|(width, _)| width < 400) { 2 } else { 1 };
    let size = size.map_or(String::new(), |(w, h)| format!(" width=\"{}\" height=\"{}\"", times * w, times * h));
    format!(
        "<figure><div class=\"scroll picture\"><img class=\"{class}\" src=\"data:image/{kind};base64,{}\" alt=\"{}\"{size}/></div>{}</figure>\n",
        STANDARD.encode(bytes),
        letters(&p.alt.plain()),
        match (p.is_film, p.caption.is_empty()) {
            (_, true) => caption("", &p.alt),
            (false, _) => caption("", &p.caption),
            (true, _) => format!("<figcaption>{}, {}</figcaption>", text(&p.alt), text(&p.caption)),
        }
    )
}

/// Width and height of a PNG: its first chunk begins with them.
fn png_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let number = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    bytes.starts_with(b"\x89PNG\r\n\x1a\n").then(|| Some((number(16)?, number(20)?)))?
}

/// Width and height of an SVG file, where its first element says so in pixels.
fn svg_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let text = std::str::from_utf8(bytes).ok()?;
    let element = text.split_once("<svg")?.1.split_once('>')?.0;
    let number = |name: &str| {
        let value = element.split_once(&format!(" {name}=\""))?.1.split_once('"')?.0;
        value.parse::<f64>().ok().map(|x| x.round() as u32)
    };
    Some((number("width")?, number("height")?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::report::{escape, figure, film, formula, heading, table};
    use roxmltree::{Document, ParsingOptions};

    const ODD: &str =
        "</title></style><script>alert(1)</script> ]]> \"' onload='x' & &amp; {*a*} [b](javascript:c) -->";
    const SVG: &[u8] =
        b"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"760\" height=\"99.6\" viewBox=\"0 0 760 99.6\"></svg>";

    fn parsed(page: &str) -> Document<'_> {
        let options = ParsingOptions { allow_dtd: true, ..Default::default() };
        Document::parse_with_options(page, options).unwrap_or_else(|e| panic!("{e}:\n{page}"))
    }

    fn png(width: u32, height: u32) -> Vec<u8> {
        [&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], &width.to_be_bytes(), &height.to_be_bytes()].concat()
    }

    #[test]
    fn text_from_outside_is_letters_wherever_it_stands() {
        let odd = escape(&format!("{ODD}\u{0}\u{1b}\u{FFFF}"));
        let blocks = vec![
            heading(&odd),
            format!("{odd} **{odd}** *{odd}* [{odd}](a.json)").into(),
            table([&odd], [vec![&odd]], &odd),
            figure("a.svg", &odd, &odd),
            film("a.png", &odd, &odd),
            formula("a < b & \"c\" ]]>", &odd),
        ];
        let page = page(&Report { title: (&odd).into(), blocks }, |_| Ok(Some(SVG.to_vec()))).unwrap();
        let page = parsed(&page);
        let named = |name: &str| page.descendants().filter(|n| n.tag_name().name() == name).collect::<Vec<_>>();
        assert!(named("script").is_empty() && named("title").len() == 1 && named("style").len() == 1);
        let words = |element: &str| named(element)[0].descendants().filter_map(|n| n.text()).collect::<String>();
        let shown = format!("{ODD}  ").trim_end().to_string();
        for element in ["title", "h1", "h2", "p", "th", "td", "strong", "em", "figcaption"] {
            assert!(
                named(element).iter().any(|n| n.descendants().any(|n| n.text().is_some_and(|t| t.starts_with(&shown)))),
                "{element}: {}",
                words(element)
            );
        }
        let attributes = || page.descendants().flat_map(|n| n.attributes());
        assert!(attributes().all(|a| !a.name().starts_with("on")));
        assert!(named("img").iter().all(|n| n.attribute("alt").is_some_and(|alt| alt.starts_with(&shown))));
    }

    #[test]
    fn a_page_asks_for_nothing() {
        let blocks = vec![figure("a.svg", "a", "b"), film("c.png", "d", "e"), "[f](https://example.org)".into()];
        let read = |p: &Picture| Ok(Some(if p.is_film { png(302, 242) } else { SVG.to_vec() }));
        let page = page(&Report { title: "x".into(), blocks }, read).unwrap();
        let page = parsed(&page);
        assert_eq!(page.root_element().attribute("lang"), Some("en"));
        for node in page.descendants() {
            let asked = [node.attribute("src"), node.attribute("href").filter(|_| node.tag_name().name() == "link")];
            assert!(asked.into_iter().flatten().all(|url| url.starts_with("data:")), "{node:?}");
        }
        let style = page.descendants().find(|n| n.has_tag_name(("http://www.w3.org/1999/xhtml", "style"))).unwrap();
        assert!(!style.text().unwrap().contains("url(") && !style.text().unwrap().contains("@import"));
        let sizes: Vec<_> =
            page.descendants().filter_map(|n| Some((n.attribute("width")?, n.attribute("height")?))).collect();
        assert_eq!(sizes, [("760", "100"), ("604", "484")]);
        let captions: Vec<_> =
            page.descendants().filter(|n| n.tag_name().name() == "figcaption").map(|n| n.text()).collect();
        assert_eq!(captions, [Some("b"), Some("d, e")]);
    }

    #[test]
    fn columns_of_numbers_are_told_from_words() {
        let rows = [["AE", "1.5", "–", "2 of 3", ""], ["VAE", "−2", "0.1 %", "none", ""]].map(|row| row.to_vec());
        let Block::Table(t) = table(["", "a", "b", "c", "d"], rows, "") else { unreachable!() };
        assert_eq!([0, 1, 2, 3, 4].map(|c| is_numeric(&t, c)), [false, true, true, false, false]);
    }

    #[test]
    fn sections_have_names_of_their_own_and_a_picture_that_is_not_there_is_left_out() {
        let report = |blocks| Report { title: "x".into(), blocks };
        let page = |r: &Report| page(r, |_| Err(Error::Usage("no such file".into())));
        let text = page(&report(vec![heading("A `b` – c"), heading("A b c"), heading("μ")])).unwrap();
        assert!(["href=\"#1-a-b-c\"", "id=\"2-a-b-c\"", "id=\"3-\""].iter().all(|part| text.contains(part)), "{text}");
        assert!(!page(&report(vec![])).unwrap().contains("<nav"));
        let without = report(vec![figure("a.svg", "", "")]);
        assert!(page(&without).is_err());
        assert!(!super::page(&without, |_| Ok(None)).unwrap().contains("<figure"));
    }
}
