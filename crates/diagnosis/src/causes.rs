/// Defines `Cause` from one table. A row has the variant with its meaning, its stable name, the
/// scenario that shows it, the cure in a sentence, and the steps of the cure.
macro_rules! causes {
    (
        scrapes { $($(#[doc = $scrape_doc:literal])+ $scrape:ident $scrape_row:tt)+ }
        others { $($(#[doc = $other_doc:literal])+ $other:ident $other_row:tt)+ }
    ) => {
        /// What is wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Cause {
            $($(#[doc = $scrape_doc])+ $scrape,)+
            $($(#[doc = $other_doc])+ $other,)+
        }

        impl Cause {
            /// Every cause.
            pub const ALL: &[Self] = &[$(Self::$scrape,)+ $(Self::$other,)+];

            /// Those of failed scrapes: the values of the label `cause` of
            /// `metrics_server_kubelet_scrape_failures_total`.
            pub const OF_SCRAPES: &[Self] = &[$(Self::$scrape,)+];

            /// What it is, in a sentence.
            pub const fn about(self) -> &'static str {
                match self {
                    $(Self::$scrape => concat!($($scrape_doc),+).trim_ascii(),)+
                    $(Self::$other => concat!($($other_doc),+).trim_ascii(),)+
                }
            }

            const fn row(self) -> Row {
                match self {
                    $(Self::$scrape => row!($scrape_row),)+
                    $(Self::$other => row!($other_row),)+
                }
            }
        }
    };
}

macro_rules! row {
    (($name:literal, none, $cure:expr, [$($step:ident),* $(,)?])) => {
        Row { name: $name, scenario: None, cure: $cure, steps: &[$(steps::$step),*] }
    };
    (($name:literal, $scenario:literal, $cure:expr, [$($step:ident),* $(,)?])) => {
        Row {
            name: $name,
            scenario: Some(concat!("scenarios/", $scenario, ".yaml")),
            cure: $cure,
            steps: &[$(steps::$step),*],
        }
    };
}
