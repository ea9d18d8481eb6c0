//! `Cookie` fields, compared with what the `cookie` crate reads.

#![no_main]

use cas_layer::fuzzing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| fuzzing::cookie_fields(data));
