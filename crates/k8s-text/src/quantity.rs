//! Kubernetes resource quantities, such as `250m` or `64Mi`: read as the API server reads them,
//! written in its canonical form.

use std::{fmt, str::FromStr};

const NANOS_PER_UNIT: i128 = 1_000_000_000;

/// Larger numbers are clamped, as Kubernetes clamps what does not fit 64 bits.
const MAX_NANOS: i128 = i64::MAX as i128 * NANOS_PER_UNIT;

/// Power-of-ten suffixes with their exponents.
const DECIMAL: [(&str, i32); 10] = [
    ("n", -9),
    ("u", -6),
    ("m", -3),
    ("", 0),
    ("k", 3),
    ("M", 6),
    ("G", 9),
    ("T", 12),
    ("P", 15),
    ("E", 18),
];

/// Power-of-1024 suffixes in order.
const BINARY: [&str; 7] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

/// An exact amount, down to a billionth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quantity {
    nanos: i128,
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Format {
    Decimal,
    Binary,
}

/// A text that is not a quantity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not a quantity: write a number with an optional suffix, such as 250m, 310715486n, 1.5, 64Mi or 2G"
)]
pub struct QuantityError {
    text: String,
}

// === impl Quantity ===

impl Quantity {
    /// CPU usage in billionths of a core. What exceeds `i64::MAX` loses its last digit, as in Go's
    /// `resource.Quantity`, which cannot hold it.
    pub fn nanocores(value: u64) -> Self {
        Self { nanos: fit_go(value), format: Format::Decimal }
    }

    /// Memory in bytes. What exceeds `i64::MAX` loses its last digit, as in Go's
    /// `resource.Quantity`, which cannot hold it.
    pub fn bytes(value: u64) -> Self {
        Self { nanos: fit_go(value) * NANOS_PER_UNIT, format: Format::Binary }
    }

    /// In billionths of a unit, exact.
    pub fn nanos(self) -> i128 {
        self.nanos
    }

    /// In thousandths of a unit, rounded up.
    pub fn milli(self) -> i128 {
        ceil_div(self.nanos, NANOS_PER_UNIT / 1000)
    }

    /// In whole units, rounded up.
    pub fn units(self) -> i128 {
        ceil_div(self.nanos, NANOS_PER_UNIT)
    }

    fn write_decimal(self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut mantissa, mut step) = (self.nanos, 0);
        while step + 1 < DECIMAL.len() && mantissa % 1000 == 0 {
            mantissa /= 1000;
            step += 1;
        }
        write!(f, "{mantissa}{}", DECIMAL[step].0)
    }

    fn write_binary(self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut mantissa, mut step) = (self.nanos / NANOS_PER_UNIT, 0);
        while step + 1 < BINARY.len() && mantissa % 1024 == 0 {
            mantissa /= 1024;
            step += 1;
        }
        write!(f, "{mantissa}{}", BINARY[step])
    }
}

fn fit_go(value: u64) -> i128 {
    if i64::try_from(value).is_ok() { i128::from(value) } else { i128::from(value / 10 * 10) }
}

fn ceil_div(value: i128, by: i128) -> i128 {
    value.div_euclid(by) + i128::from(value.rem_euclid(by) != 0)
}

/// The canonical form: no fraction, the largest suffix that keeps every digit. Binary suffixes are
/// for whole amounts of at least 1024 only.
impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = self.nanos % NANOS_PER_UNIT == 0;
        match self.format {
            _ if self.nanos == 0 => f.write_str("0"),
            Format::Binary if whole && self.nanos.abs() >= 1024 * NANOS_PER_UNIT => {
                self.write_binary(f)
            }
            Format::Binary | Format::Decimal => self.write_decimal(f),
        }
    }
}

impl FromStr for Quantity {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        parse(text).ok_or_else(|| QuantityError { text: text.to_owned() })
    }
}

fn parse(text: &str) -> Option<Quantity> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let end = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
    let (number, suffix) = unsigned.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') || number.len() > 30 {
        return None;
    }
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    let shift = -i32::try_from(fraction.len()).ok()?;
    let (nanos, format) = if let Some(step) = BINARY.iter().skip(1).position(|s| *s == suffix) {
        let factor = 1024_i128.pow(u32::try_from(step).ok()? + 1);
        (scale(digits.saturating_mul(factor), shift + 9), Format::Binary)
    } else {
        let exponent = match DECIMAL.iter().find(|(s, _)| *s == suffix) {
            Some((_, exponent)) => *exponent,
            None => {
                suffix.strip_prefix(['e', 'E'])?.parse::<i32>().ok().filter(|e| e.abs() <= 64)?
            }
        };
        (scale(digits, shift + 9 + exponent), Format::Decimal)
    };
    let nanos = nanos.min(MAX_NANOS);
    Some(Quantity { nanos: if negative { -nanos } else { nanos }, format })
}

/// `digits` times ten to the `exponent`, rounded up.
fn scale(digits: i128, exponent: i32) -> i128 {
    let power = 10_i128.checked_pow(exponent.unsigned_abs());
    match (power, exponent >= 0) {
        (Some(power), true) => digits.saturating_mul(power),
        (Some(power), false) => ceil_div(digits, power),
        (None, true) if digits > 0 => MAX_NANOS,
        (None, true) => 0,
        (None, false) => i128::from(digits > 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_as_kubernetes_writes_it() {
        let cases = [
            (Quantity::nanocores(0), "0"),
            (Quantity::nanocores(93_706_104), "93706104n"),
            (Quantity::nanocores(100_000_000), "100m"),
            (Quantity::nanocores(1_500), "1500n"),
            (Quantity::nanocores(2_000_000_000), "2"),
            (Quantity::nanocores(2_000_000_000_000), "2k"),
            (Quantity::nanocores(u64::MAX), "18446744073709551610n"),
            (Quantity::bytes(0), "0"),
            (Quantity::bytes(2_580_432 * 1024), "2580432Ki"),
            (Quantity::bytes(64 << 20), "64Mi"),
            (Quantity::bytes(2_400_000_001), "2400000001"),
            (Quantity::bytes(1000), "1k"),
            (Quantity::bytes(1023), "1023"),
            (Quantity::bytes(1024), "1Ki"),
        ];
        for (quantity, text) in cases {
            assert_eq!(quantity.to_string(), text);
        }
    }

    #[test]
    fn is_read_as_kubernetes_reads_it() {
        let cases = [
            ("310715486n", 310_715_486, "310715486n"),
            ("250m", 250_000_000, "250m"),
            ("1.5", 1_500_000_000, "1500m"),
            ("0.5n", 1, "1n"),
            ("1e3", 1_000_000_000_000, "1k"),
            ("1E", 1_000_000_000_000_000_000_000_000_000, "1E"),
            ("64Mi", 67_108_864_000_000_000, "64Mi"),
            ("1.5Ki", 1_536_000_000_000, "1536"),
            ("-2", -2_000_000_000, "-2"),
        ];
        for (text, nanos, canonical) in cases {
            let quantity: Quantity = text.parse().unwrap();
            assert_eq!(
                (quantity.nanos(), quantity.to_string().as_str()),
                (nanos, canonical),
                "{text}"
            );
        }
        for text in ["", "m", ".", "1.2.3", "1 m", "1mi", "x", "1e", "--1", "1e999"] {
            assert!(text.parse::<Quantity>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn is_rounded_up_to_coarser_units() {
        let quantity: Quantity = "310715486n".parse().unwrap();
        assert_eq!((quantity.milli(), quantity.units()), (311, 1));
    }
}
