//! Blocks for the terminal: letters without marks, lines of its width, tables in columns.

use super::{Block, Table, Text};

/// A block, in lines of at most `width` letters where words allow it. A picture is none: nothing.
pub fn lines(block: &Block, width: usize) -> Vec<String> {
    match block {
        Block::Heading(text) | Block::Text(text) => wrapped(&text.plain(), width),
        Block::Table(t) => [table(t, width), caption(&t.caption, width)].concat(),
        Block::Picture(_) => Vec::new(),
        Block::Formula(f) => [vec![format!("    {}", f.plain())], caption(&f.source, width)].concat(),
    }
}

fn caption(words: &Text, width: usize) -> Vec<String> {
    match words.is_empty() {
        true => Vec::new(),
        false => [vec![String::new()], wrapped(&words.plain(), width)].concat(),
    }
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
fn table(t: &Table, width: usize) -> Vec<String> {
    let cells = |row: &Vec<Text>| row.iter().map(Text::plain).collect::<Vec<_>>();
    let rows: Vec<Vec<String>> = [&t.header].into_iter().chain(&t.rows).map(cells).collect();
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
    use crate::report::{escape, figure, formula, heading, table};

    #[test]
    fn blocks_become_lines_and_columns() {
        let words = |markup: &str, width| lines(&Block::from(markup), width);
        assert_eq!(words("*a* **b** `c` [d](e.json) f [g]", 80), ["a b c d f [g]"]);
        assert_eq!(words("one two three", 8), ["one two", "three"]);
        assert_eq!(lines(&heading("A"), 80), ["A"]);
        assert!(lines(&figure("x", "y", "z"), 80).is_empty());
        let odd = "a|b *c* <script> & `d` \\";
        assert_eq!(words(&escape(odd), 80), [odd]);
        let table = table(["class", "loss of both ends"], [vec!["Ankle boot", "**1.5**, 2.5"]], "");
        let wide = ["class       loss of both ends", "──────────  ─────────────────", "Ankle boot  1.5, 2.5"];
        assert_eq!(lines(&table, 80), wide);
        let narrow = lines(&table, 20);
        assert!(narrow.iter().all(|line| letters(line) <= 20), "{narrow:?}");
        assert_eq!(narrow[..2], ["class      loss of", "           both ends"]);
        assert_eq!(lines(&formula("z = μ", "why so"), 6), ["    z = μ", "", "why so"]);
    }
}
