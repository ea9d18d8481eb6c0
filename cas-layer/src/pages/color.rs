//! The accent colour.

/// Red, green, blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Color([u8; 3]);

impl Color {
    /// A calm blue.
    pub(super) const DEFAULT: Self = Self([0x1a, 0x4f, 0x8b]);

    /// `#rgb` or `#rrggbb`, and nothing else that CSS knows.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let digits: Vec<u8> = text
            .strip_prefix('#')?
            .chars()
            .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
            .collect::<Option<_>>()?;
        match *digits.as_slice() {
            [r, g, b] => Some(Self([r, g, b].map(|digit| digit * 17))),
            [r, r2, g, g2, b, b2] => Some(Self([r * 16 + r2, g * 16 + g2, b * 16 + b2])),
            _ => None,
        }
    }

    /// As CSS has it.
    pub(super) fn css(self) -> String {
        let [r, g, b] = self.0;
        format!("#{r:02x}{g:02x}{b:02x}")
    }

    /// Black or white, whichever stands out more as text on this colour. The contrast is 4.5 at least.
    pub(super) fn ink(self) -> &'static str {
        let luminance = self.luminance();
        let (on_black, on_white) = ((luminance + 0.05) / 0.05, 1.05 / (luminance + 0.05));
        if on_white > on_black { "#fff" } else { "#000" }
    }

    /// WCAG 2.2, "relative luminance".
    fn luminance(self) -> f64 {
        let [r, g, b] = self.0.map(|part| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 {
                part / 12.92
            } else {
                ((part + 0.055) / 1.055).powf(2.4)
            }
        });
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_is_hex_digits_and_nothing_else() {
        for (text, css) in [
            ("#fff", "#ffffff"),
            ("#0A1", "#00aa11"),
            ("#1a4F8b", "#1a4f8b"),
        ] {
            assert_eq!(Color::parse(text).map(Color::css).as_deref(), Some(css));
        }
        for text in [
            "", "#", "fff", "#ff", "#ffff", "#ffffff0", "#ggg", " #fff", "#fff ", "red", "#fff;}",
            "#+1f", "#١٢٣",
        ] {
            assert_eq!(Color::parse(text), None, "{text:?}");
        }
    }

    /// The least contrast of text that accessibility guidelines accept (WCAG 2.2, 1.4.3).
    #[test]
    fn text_on_any_colour_can_be_read() {
        for step in 0..=255_u8 {
            for color in [
                [step; 3],
                [step, 0, 0],
                [0, step, 0],
                [0, 0, step],
                [255, step, 0],
                [step, 80, 160],
            ] {
                let color = Color(color);
                let ink = Color::parse(color.ink()).unwrap();
                let (a, b) = (color.luminance() + 0.05, ink.luminance() + 0.05);
                assert!(a.max(b) / a.min(b) >= 4.5, "{}", color.css());
            }
        }
        assert_eq!(Color::DEFAULT.ink(), "#fff");
        assert_eq!(Color::parse("#ffd400").unwrap().ink(), "#000");
    }
}
