//! Pictures: no tensors here.
