use tempfile::TempDir;

use super::*;

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn full_logs_are_put_aside_and_old_ones_removed() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("audit.log");
    fs::write(folder.path().join("audit-notes.log"), "mine").unwrap();
    let rotation =
        Rotation { full_at: Some(10), backups: Some(2), age: Some(Duration::from_hours(24)) };
    let mut log = Rotated::open(&path, rotation).unwrap();
    let start: Timestamp = "2019-01-04T09:53:00Z".parse().unwrap();
    let mut write = |line: &str, seconds: u64| {
        log.write(line, start + Duration::from_secs(seconds)).unwrap();
    };
    write("12345\n", 0);
    write("123\n", 1);
    assert_eq!(names(folder.path()), ["audit-notes.log", "audit.log"], "it fits to the byte");
    write("second\n", 2);
    write("longer than a whole log\n", 3);
    write("fourth\n", 4);
    let full = |second: u8| format!("audit-2019-01-04T09-53-0{second}.000.log");
    let two = [full(3), full(4), "audit-notes.log".to_owned(), "audit.log".to_owned()];
    assert_eq!(names(folder.path()), two, "two are kept");
    assert_eq!(fs::read_to_string(&path).unwrap(), "fourth\n");
    write("a day later\n", 25 * 60 * 60);
    let later = "audit-2019-01-05T10-53-00.000.log".to_owned();
    let one = [later, "audit-notes.log".to_owned(), "audit.log".to_owned()];
    assert_eq!(names(folder.path()), one, "old ones go");
}
