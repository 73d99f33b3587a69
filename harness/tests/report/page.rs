//! The page, in a real browser.

use std::{env, fs, path::Path};

use serde_json::json;

use crate::{browser::Browser, support};

/// Where pictures of the page are written, for developers.
const PICTURES: &str = "REPORT_PICTURES";

const ROWS: &str = "[...document.querySelectorAll('#scenarios tbody tr')].filter(row => !row.hidden).map(row => row.querySelector('a').textContent)";
const PICKED: &str = "[...document.querySelectorAll('article')].filter(a => a.offsetParent !== null || a.getClientRects().length).map(a => a.id)";
const PAPER: &str = "getComputedStyle(document.body).backgroundColor";
const ADDRESS: &str = "location.hash";

/// Whether the row of the scenario that is shown is within the part of the list that is seen.
const SEEN_IN_LIST: &str = "(() => {
  const box = (element) => element.getBoundingClientRect();
  const [list, row] = [box(document.getElementById('list')), box(document.querySelector('tr[data-picked]'))];
  return row.height > 0 && row.top >= list.top && row.bottom <= Math.min(list.bottom, innerHeight);
})()";

/// The page's colours of text with too little contrast to their background: WCAG requires 4.5.
const TOO_PALE: &str = r"(() => {
  const parse = (text) => text.match(/[\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const pale = new Set();
  for (const element of document.querySelectorAll('body *')) {
    const hasText = [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!hasText || !element.getClientRects().length || element.closest('svg, script, :disabled')) continue;
    const [a, b] = [parse(getComputedStyle(element).color), ground(element)].map(light);
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) pale.add(`${element.tagName}.${element.className} ${contrast.toFixed(2)}`);
  }
  return [...pale];
})()";

#[test]
fn the_page_works_in_a_browser() {
    let Some(mut browser) = Browser::start() else {
        eprintln!("skipped: there is no chromium on this machine");
        return;
    };
    let folder = support::library();
    let page = support::write(folder.path(), "html");
    browser.set_dark(false);
    browser.resize(1360, 1000);
    browser.open(&page, "");

    shows_the_failure_first(&mut browser);
    picture(&mut browser, "light.png");
    goes_by_keyboard(&mut browser);
    sifts_by_keyboard(&mut browser);
    is_dark_when_the_system_is_and_when_told(&mut browser);
    fits_a_narrow_window(&mut browser);
    opens_at_an_address(&mut browser, &page);
    assert_eq!(browser.complaints(), [""; 0]);
}

fn shows_the_failure_first(browser: &mut Browser) {
    assert_eq!(browser.value(ROWS), json!(["usage/wrong", "dns/good", "tls/other"]));
    assert_eq!(browser.value(PICKED), json!(["usage/wrong"]));
    let failure = "document.querySelector('article[data-picked] .failure')";
    for (class, text) in [("expected", "200m"), ("seen", "100m")] {
        let line = browser.value(&format!("{failure}.querySelector('.{class}').textContent"));
        assert!(line.as_str().unwrap().contains(text), "{class}: {line}");
    }
    let place = browser.value(&format!("{failure}.querySelector('.place').textContent"));
    assert_eq!(place, "scenarios/usage/wrong.yaml:16:11");
    // One of the node and one of the container, CPU and memory each, two answers in each.
    let plots = "document.querySelectorAll('article[data-picked] .plots svg').length";
    assert_eq!(browser.value(plots), 4);
    let right =
        "document.querySelectorAll('article[data-picked] .plots g.reported:not(.wrong)').length";
    assert_eq!(browser.value(right), 8);
    let about =
        browser.value("document.getElementById('dns/good').querySelector('.about').textContent");
    assert_eq!(about, "A name that <b>resolves</b> & is found.");
}

fn goes_by_keyboard(browser: &mut Browser) {
    for (key, picked) in [
        ("j", "dns/good"),
        ("ArrowDown", "tls/other"),
        ("j", "tls/other"),
        ("ArrowUp", "dns/good"),
        ("k", "usage/wrong"),
    ] {
        browser.press(key);
        assert_eq!(browser.value(PICKED), json!([picked]), "after {key}");
        assert_eq!(browser.value(ADDRESS), format!("#{picked}"));
        assert_eq!(browser.value("document.activeElement.textContent"), picked);
    }
}

fn sifts_by_keyboard(browser: &mut Browser) {
    browser.press("/");
    browser.write("fits CERT");
    assert_eq!(browser.value(ROWS), json!(["tls/other"]));
    assert_eq!(browser.value(PICKED), json!(["tls/other"]));
    assert_eq!(browser.value("document.getElementById('shown').textContent"), "1 of 3 scenarios");
    browser.press("Escape");
    assert_eq!(browser.value(ROWS).as_array().unwrap().len(), 3);
    browser.press("f");
    assert_eq!(browser.value(ROWS), json!(["usage/wrong"]));
    browser.press("f");
    assert_eq!(browser.value(ROWS).as_array().unwrap().len(), 3);
}

fn is_dark_when_the_system_is_and_when_told(browser: &mut Browser) {
    let light = browser.value(PAPER);
    assert_eq!(browser.value(TOO_PALE), json!([]), "in light colours");
    browser.set_dark(true);
    let dark = browser.value(PAPER);
    assert_ne!(dark, light);
    assert_eq!(browser.value(TOO_PALE), json!([]), "in dark colours");
    picture(browser, "dark.png");
    browser.press("t");
    assert_eq!(browser.value(PAPER), light);
    browser.set_dark(false);
    browser.press("t");
    assert_eq!(browser.value(PAPER), dark);
    browser.press("t");
    assert_eq!(browser.value(PAPER), light);
}

fn fits_a_narrow_window(browser: &mut Browser) {
    browser.resize(390, 1600);
    let page = "document.documentElement";
    let fits = browser.value(&format!("{page}.scrollWidth <= {page}.clientWidth"));
    assert_eq!(fits, true, "the page scrolls sideways");
    picture(browser, "narrow.png");
    browser.resize(1360, 1000);
}

fn opens_at_an_address(browser: &mut Browser, page: &Path) {
    browser.open(Path::new("/dev/null"), "");
    browser.open(page, "#tls/other");
    assert_eq!(browser.value(PICKED), json!(["tls/other"]));
}

/// A link to one of a hundred scenarios shows it in the list too, and leaves the page where it was.
#[test]
fn a_long_list_scrolls_to_the_scenario_that_is_opened() {
    let Some(mut browser) = Browser::start() else {
        eprintln!("skipped: there is no chromium on this machine");
        return;
    };
    let folder = support::one_file_of(40);
    let page = support::write(folder.path(), "html");
    browser.resize(1360, 500);
    browser.open(&page, "");
    for (row, scrolled) in [(39, true), (20, true), (0, false)] {
        let hash = browser.value(&format!("document.querySelectorAll('#scenarios a')[{row}].hash"));
        browser.open(Path::new("/dev/null"), "");
        browser.open(&page, hash.as_str().unwrap());
        assert_eq!(browser.value(SEEN_IN_LIST), true, "{hash}");
        let list = browser.value("document.getElementById('list').scrollTop > 0");
        assert_eq!((list, browser.value("scrollY")), (json!(scrolled), json!(0)), "{hash}");
    }
    assert_eq!(browser.complaints(), [""; 0]);
}

fn picture(browser: &mut Browser, name: &str) {
    if let Some(folder) = env::var_os(PICTURES) {
        fs::write(Path::new(&folder).join(name), browser.picture()).unwrap();
    }
}
