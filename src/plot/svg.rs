//! The few pieces of SVG that pictures are made of, as text: the document, a line of text, a number.
//!
//! No browser measures the text, so its width is an estimate, on the generous side for the common sans-serif fonts.

use super::style::{INK, PAPER, dark_rules};
use std::fmt::Display;

/// A whole file: `body`, `width` by `height` pixels, on opaque paper, called `name` for those who cannot see it.
pub fn document(width: f64, height: f64, name: &str, body: &str) -> String {
    let (w, h, name, style) = (num(width), num(height), escape(name), dark_rules());
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {w} {h}\" role=\"img\" \
         aria-label=\"{name}\" font-family=\"system-ui, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif\">\n\
         <style>{style}</style>\n<rect width=\"{w}\" height=\"{h}\" fill=\"{PAPER}\"/>\n{body}</svg>\n"
    )
}

/// A line of text at the point; `more` are further attributes such as `text-anchor="end"`. No text, no element.
pub fn text((x, y): (f64, f64), size: f64, fill: &str, more: &str, content: &str) -> String {
    if content.is_empty() {
        return String::new();
    }
    let (x, y, content) = (num(x), num(y), escape(content));
    format!("<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" fill=\"{fill}\" {more}>{content}</text>\n")
}

/// The heading of a picture, in as many lines as it takes, and the y below it.
pub fn heading(left: f64, width: f64, content: &str) -> (String, f64) {
    let mut y = 12.0;
    let mut lines = String::new();
    for line in wrap(content, width, 17.0) {
        y += 22.0;
        lines += &text((left, y), 17.0, INK, "font-weight=\"600\"", &line);
    }
    (lines, y + 16.0)
}

/// Attributes that set text off from what is behind it.
pub fn halo() -> String {
    format!("stroke=\"{PAPER}\" stroke-width=\"5\" stroke-linejoin=\"round\" paint-order=\"stroke\"")
}

/// The estimated width of a line of text.
pub fn text_width(content: &str, size: f64) -> f64 {
    let em = |c: char| match c {
        'i' | 'j' | 'l' | 'I' | 't' | 'f' | 'r' | ' ' | '.' | ',' | ':' | ';' | '\'' | '|' | '(' | ')' | '/' => 0.37,
        'm' | 'w' | 'M' | 'W' | '@' | '%' => 0.92,
        c if c.is_uppercase() => 0.7,
        _ => 0.61,
    };
    size * content.chars().map(em).sum::<f64>()
}

/// Breaks `content` at spaces into lines of at most `width`; a longer word gets a line of its own. Empty text has none.
pub fn wrap(content: &str, width: f64, size: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in content.split_whitespace() {
        match lines.last_mut() {
            Some(line) if text_width(line, size) + text_width(word, size) + 0.37 * size <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_string()),
        }
    }
    lines
}

/// A length or coordinate, to a tenth of a pixel.
pub fn num(value: f64) -> impl Display {
    (value * 10.0).round() / 10.0 + 0.0
}

/// Text as the content of an element or of an attribute. Characters that XML forbids are left out.
pub fn escape(content: &str) -> String {
    let mut safe = String::with_capacity(content.len());
    for c in content.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\u{FFFE}' | '\u{FFFF}' => {}
            c if c.is_control() => {}
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_survives_the_way_through_xml() {
        let odd = "a<b> & \"c\" ]]> 'd' − σ²";
        let file = document(10.0, 10.0, odd, &text((0.0, 0.0), 12.0, INK, "", &format!("{odd}\0\u{1b}\u{FFFF}")));
        let xml = roxmltree::Document::parse(&file).unwrap();
        assert_eq!(xml.root_element().attribute("aria-label"), Some(odd));
        assert_eq!(xml.descendants().find(|n| n.has_tag_name("text")).unwrap().text(), Some(odd));
    }

    #[test]
    fn every_light_colour_of_the_frame_has_a_dark_one() {
        let file = document(10.0, 10.0, "", "");
        assert!(file.contains("@media (prefers-color-scheme: dark){[fill=\"#FFFFFF\"]{fill:#0D1117}"));
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!([2.0, -0.04, 1.25, -3.149].map(|v| num(v).to_string()), ["2", "0", "1.3", "-3.1"]);
    }

    #[test]
    fn long_text_is_broken_at_spaces_only() {
        assert_eq!(wrap("one two incomprehensibilities", 60.0, 12.0), ["one two", "incomprehensibilities"]);
        assert_eq!(wrap("", 60.0, 12.0), [""; 0]);
    }
}
