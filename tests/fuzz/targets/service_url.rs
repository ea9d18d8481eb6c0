//! Service URLs, app URLs, and what a login URL says.

#![no_main]

use cas_layer::fuzzing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| fuzzing::service_url(text));
