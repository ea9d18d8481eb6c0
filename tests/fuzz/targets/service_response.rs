//! Answers of a CAS server in XML, in JSON and as text.

#![no_main]

use cas_layer::fuzzing;
use cas_layer_fuzz::answer;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let (content_type, body) = answer(data);
    fuzzing::service_response(content_type, body);
});
