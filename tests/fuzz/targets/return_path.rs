//! Where a visitor goes after a sign-in.

#![no_main]

use cas_layer::fuzzing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| fuzzing::return_path(text));
