//! Records of every kind in every format, read back by readers of the tests' own.

mod documented;
mod hostile;
mod otlp;
mod parsers;
mod random;
mod samples;
mod schema;
