//! Names of groups with 60 bytes each, for users who are in many.

use crate::noise::noise;

/// How long each name is.
const BYTES: usize = 60;

/// What makes so many names.
pub type Names = fn(usize) -> Vec<String>;

/// Names that differ in their number alone: what packing shortens most.
#[must_use]
pub fn numbered(count: usize) -> Vec<String> {
    (0..count)
        .map(|n| format!("CN=Group-{n:05}-xxxxxxxxxxxxxxxxx,OU=Groups,DC=example,DC=org"))
        .collect()
}

/// Names like those of a university's courses: the same words again and again, and numbers in no order.
#[must_use]
pub fn courses(count: usize) -> Vec<String> {
    const SUBJECTS: [&str; 8] = [
        "math", "phys", "chem", "hist", "econ", "laws", "biol", "musi",
    ];
    const ROLES: [&str; 4] = ["students", "teachers", "visitors", "examiner"];
    let mut state = 7_u32;
    let mut below = |limit: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) % limit
    };
    (0..count)
        .map(|_| {
            let subject = SUBJECTS[below(8) as usize];
            let (year, course) = (2016 + below(10), below(10_000));
            let role = ROLES[below(4) as usize];
            format!("CN={year}-{subject}-{course:04}-{role},OU=Lectures,DC=university,DC=test")
        })
        .collect()
}

/// Names of letters and digits in which nothing repeats itself: what no packing makes much shorter.
#[must_use]
pub fn random(count: usize) -> Vec<String> {
    let letters = noise(BYTES * count);
    (0..count)
        .map(|n| letters[n * BYTES..(n + 1) * BYTES].to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_has_sixty_bytes() {
        for names in [numbered, courses, random] {
            let names = names(100);
            assert_eq!(names.len(), 100);
            assert!(names.iter().all(|name| name.len() == BYTES), "{names:?}");
        }
    }
}
