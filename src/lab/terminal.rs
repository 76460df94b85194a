//! A text's Markdown for the terminal: emphasis and links without their marks, lines of its width, tables in columns.

/// A paragraph, in lines of at most `width` letters where words allow it. A picture is none: nothing.
pub fn lines(paragraph: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for (i, part) in paragraph.split("\n\n").filter(|part| !part.starts_with("![")).enumerate() {
        if i > 0 {
            lines.push(String::new());
        }
        match part.starts_with('|') {
            true => lines.extend(table(part, width)),
            false => lines.extend(wrapped(&plain(part), width)),
        }
    }
    lines
}

/// Text without the marks of emphasis, code and links.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        out += before;
        match after.split_once("](").and_then(|(name, after)| Some((name, after.split_once(')')?.1))) {
            Some((name, after)) => {
                out += name;
                rest = after;
            }
            None => {
                out.push('[');
                rest = after;
            }
        }
    }
    let mut text = String::new();
    let mut letters = (out + rest).chars().collect::<Vec<_>>().into_iter();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => text.extend(letters.next()),
            '*' | '`' => {}
            letter => text.push(letter),
        }
    }
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is one");
        match line.is_empty() {
            true => line.push_str(word),
            false if letters(line) + 1 + letters(word) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            false => lines.push(word.into()),
        }
    }
    lines
}

fn letters(text: &str) -> usize {
    text.chars().count()
}

/// The columns as wide as they need to be; where all together are too wide, the widest give way and break their cells.
fn table(markdown: &str, width: usize) -> Vec<String> {
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| plain(cell.trim())).collect::<Vec<_>>();
    let rows: Vec<Vec<String>> = markdown.lines().filter(|line| !line.starts_with("|---")).map(cells).collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let cell = |row: &Vec<String>, c: usize| row.get(c).cloned().unwrap_or_default();
    let mut widths: Vec<usize> =
        (0..columns).map(|c| rows.iter().map(|row| letters(&cell(row, c))).max().unwrap_or(0)).collect();
    const GAP: usize = 2;
    const LEAST: usize = 8;
    while widths.iter().sum::<usize>() + GAP * columns.saturating_sub(1) > width {
        match widths.iter_mut().max() {
            Some(widest) if *widest > LEAST => *widest -= 1,
            _ => break,
        }
    }
    let mut lines = Vec::new();
    for (i, row) in rows.iter().enumerate() {
        let parts: Vec<Vec<String>> = (0..columns).map(|c| wrapped(&cell(row, c), widths[c])).collect();
        for k in 0..parts.iter().map(Vec::len).max().unwrap_or(0) {
            let line = parts.iter().zip(&widths).map(|(part, &w)| {
                let text = part.get(k).map_or("", String::as_str);
                text.to_string() + &" ".repeat(w.saturating_sub(letters(text)))
            });
            lines.push(line.collect::<Vec<_>>().join("  ").trim_end().to_string());
        }
        if i == 0 {
            lines.push(widths.iter().map(|w| "─".repeat(*w)).collect::<Vec<_>>().join("  "));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_becomes_lines_and_columns() {
        assert_eq!(lines("*a* **b** `c` [d](e.json) f [g]", 80), ["a b c d f [g]"]);
        assert_eq!(lines("one two three", 8), ["one two", "three"]);
        assert!(lines("![x](y)", 80).is_empty());
        let odd = "a|b *c* <script> & `d` \\";
        assert_eq!(lines(&crate::lab::escaped(odd), 80), [odd]);
        let table = "Means:\n\n| class | loss of both ends |\n|---|---|\n| Ankle boot | **1.5**, 2.5 |";
        let wide =
            ["Means:", "", "class       loss of both ends", "──────────  ─────────────────", "Ankle boot  1.5, 2.5"];
        assert_eq!(lines(table, 80), wide);
        let narrow = lines(table, 20);
        assert!(narrow.iter().all(|line| letters(line) <= 20), "{narrow:?}");
        assert_eq!(narrow[2..4], ["class      loss of", "           both ends"]);
    }
}
