//! Providers, meters, readings, tariffs.
