//! Data sets as bytes and labels: no tensors here.
