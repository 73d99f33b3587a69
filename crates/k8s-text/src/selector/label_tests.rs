use super::*;

fn labels(text: &str) -> BTreeMap<String, String> {
    let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

#[test]
fn selectors_match_as_the_api_server_matches() {
    let has = labels("app=a0,kubernetes.io/os=linux,level=7,empty=");
    let cases = [
        ("", true),
        ("   ", true),
        ("app", true),
        ("app=a0", true),
        ("app==a0", true),
        ("app = a0 , level=7", true),
        ("app=a1", false),
        ("app!=a0", false),
        ("app!=a1", true),
        ("missing!=x", true),
        ("missing=", false),
        ("empty=", true),
        ("empty", true),
        ("!empty", false),
        ("!missing", true),
        ("missing", false),
        ("app in (a0,a1)", true),
        ("app in (a1)", false),
        ("app in ()", false),
        ("empty in (,a)", true),
        ("empty in (a,,b)", true),
        ("app notin (a1)", true),
        ("app notin (a0)", false),
        ("missing notin (a0)", true),
        ("in in (in,notin)", false),
        ("app in (a0),!missing,level>6", true),
        ("level>7", false),
        ("level<8", true),
        ("level>-5", false),
        ("app>1", false),
        ("missing<1", false),
        ("kubernetes.io/os=linux", true),
        ("kubernetes.io/os notin (linux, windows)", false),
    ];
    for (text, expected) in cases {
        let matched = LabelSelector::parse(text).map(|selector| selector.matches(&has));
        // A leading minus is no label value.
        let expected = (text != "level>-5").then_some(expected);
        assert_eq!(matched.ok(), expected, "{text}");
    }
}

#[test]
fn invalid_selectors_are_refused_with_the_api_servers_errors() {
    const NAME: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
    let name = format!("unable to parse requirement: <nil>: Invalid value: \"-a\": {NAME}");
    let cases = [
        ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        ("a,", "found '', expected: identifier after ','"),
        (",a", "found ',', expected: !, identifier, or 'end of string'"),
        ("=", "found '=', expected: !, identifier, or 'end of string'"),
        ("a=b c", "found 'c', expected: ',' or 'end of string'"),
        ("!a=b", "found '=', expected: ',' or 'end of string'"),
        ("!", "unable to parse requirement: found '', expected: identifier"),
        ("!!a", "unable to parse requirement: found '!', expected: identifier"),
        ("a=(b)", "unable to parse requirement: found '(', expected: identifier"),
        ("a in b", "unable to parse requirement: found 'b' expected: '('"),
        ("a in (b", "unable to parse requirement: found '', expected: ',' or ')'"),
        ("a in (b c)", "unable to parse requirement: found 'c', expected: ',' or ')'"),
        ("a in (=)", "unable to parse requirement: found '=', expected: ',', ')' or identifier"),
        ("a in (b,=)", "unable to parse requirement: found '=', expected: ',', or identifier"),
        (
            "a>b",
            "unable to parse requirement: values[0]: Invalid value: \"b\": for 'Gt', 'Lt' operators, the value must be an integer",
        ),
        ("-a", &name),
        (
            "a/b/c",
            "unable to parse requirement: <nil>: Invalid value: \"a/b/c\": a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
        ),
        (
            "a=b*",
            "unable to parse requirement: values[0][a]: Invalid value: \"b*\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
        ),
    ];
    for (text, expected) in cases {
        let error = LabelSelector::parse(text).unwrap_err();
        assert_eq!(error.to_string(), expected, "{text}");
    }
}
