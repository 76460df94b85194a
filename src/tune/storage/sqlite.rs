//! Studies as SQLite files of Optuna's schema.
