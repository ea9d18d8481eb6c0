//! A registry file that came to harm.

#![no_main]

use cas_layer::fuzzing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| fuzzing::registry_file(data));
