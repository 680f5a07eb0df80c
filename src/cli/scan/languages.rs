//! Which language a prompt is written in, for the report: a guess from few words, so it may say that it does not know.

use std::sync::LazyLock;

use whatlang::{Detector, Lang};

/// What the report says where a guess would be no better than chance.
const UNSURE: &str = "unsure";
/// A language is believed from this confidence on. Prompts are short: what is sure by the crate's own measure is too few.
const CONFIDENCE: f64 = 0.3;

/// The languages of the word lists, with their codes.
const LANGUAGES: [(Lang, &str); 17] = [
    (Lang::Ara, "ar"),
    (Lang::Deu, "de"),
    (Lang::Eng, "en"),
    (Lang::Spa, "es"),
    (Lang::Fra, "fr"),
    (Lang::Hin, "hi"),
    (Lang::Ind, "id"),
    (Lang::Ita, "it"),
    (Lang::Jpn, "ja"),
    (Lang::Kor, "ko"),
    (Lang::Pol, "pl"),
    (Lang::Por, "pt"),
    (Lang::Rus, "ru"),
    (Lang::Tur, "tr"),
    (Lang::Ukr, "uk"),
    (Lang::Vie, "vi"),
    (Lang::Cmn, "zh"),
];

static DETECTOR: LazyLock<Detector> =
    LazyLock::new(|| Detector::with_allowlist(LANGUAGES.iter().map(|(language, _)| *language).collect()));

/// The code of a prompt's language.
pub(super) fn language(prompt: &str) -> &'static str {
    let Some(info) = DETECTOR.detect(prompt) else { return UNSURE };
    let known = LANGUAGES.iter().find(|(language, _)| *language == info.lang() && info.confidence() >= CONFIDENCE);
    known.map_or(UNSURE, |(_, code)| code)
}

#[cfg(test)]
mod tests {
    use super::language;

    #[test]
    fn languages_are_told_where_they_can_be() {
        assert_eq!(
            language("a lighthouse on a cliff above the sea at dusk, with the keeper standing at the door"),
            "en"
        );
        assert_eq!(language("ein Leuchtturm auf einer Klippe über dem Meer in der Abenddämmerung"), "de");
        assert_eq!(language("маяк на скале над морем в сумерках, у открытой двери стоит старый смотритель"), "ru");
        assert_eq!(language("夕暮れの海の上の崖に立つ灯台"), "ja");
        assert_eq!(language("--ar 3:2 8k"), "unsure");
    }
}
