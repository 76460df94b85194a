//! A tape as text, one value a line, and as a Graphviz drawing.

use super::Tape;
use crate::kernels::Real;
use std::fmt::{self, Write};

impl<F: Real> fmt::Display for Tape<F> {
    /// One line a value: `%7 = tanh(%6)  f32[128, 512]`.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        for (id, node) in self.nodes.borrow().iter().enumerate() {
            write!(f, "%{id} = {}(", node.op.as_ref().map_or("leaf", |op| op.row().name))?;
            for (k, arg) in node.args().iter().enumerate() {
                write!(f, "{}%{arg}", if k > 0 { ", " } else { "" })?;
            }
            writeln!(f, ")  {}{}", F::NAME, node.value.shape())?;
        }
        Ok(())
    }
}

impl<F: Real> Tape<F> {
    /// The tape as a graph in Graphviz' language, for `dot -Tsvg`.
    pub fn to_dot(&self) -> String {
        let mut dot = String::from("digraph tape {\n  node [shape=box, fontname=\"sans-serif\"];\n");
        for (id, node) in self.nodes.borrow().iter().enumerate() {
            let (name, style) = match &node.op {
                Some(op) => (op.row().name, ""),
                None => ("leaf", ", style=rounded"),
            };
            writeln!(dot, "  n{id} [label=\"%{id} {name}\\n{}\"{style}];", node.value.shape())
                .expect("a string takes text");
            for arg in node.args() {
                writeln!(dot, "  n{arg} -> n{id};").expect("a string takes text");
            }
        }
        dot + "}\n"
    }
}

#[cfg(test)]
mod tests {
    use crate::{Tape, Tensor};

    #[test]
    fn a_tape_reads_as_a_program_and_draws_as_a_graph() {
        let tape = Tape::<f32>::new();
        let x = tape.leaf(Tensor::full(1.0, [2, 3]));
        let _ = (x * x).tanh();
        assert_eq!(tape.to_string(), "%0 = leaf()  f32[2, 3]\n%1 = mul(%0, %0)  f32[2, 3]\n%2 = tanh(%1)  f32[2, 3]\n");
        assert!(tape.to_dot().contains("n1 [label=\"%1 mul\\n[2, 3]\"];\n  n0 -> n1;\n  n0 -> n1;\n"));
    }
}
