use tokio::io::duplex;

use super::*;

#[test]
fn urls_of_proxies_are_read_as_in_go() {
    let rows = [
        ("http://p", "http://p:80"),
        ("http://p:3128", "http://p:3128"),
        ("HTTP://p:3128/path?query", "http://p:3128"),
        ("socks5://p", "socks5://p:1080"),
        ("http://user:pass@p:1", "http://p:1"),
        ("http://[fe80::1]:1", "http://[fe80::1]:1"),
        ("https://p", "unsupported scheme \"https\", must be http, socks5 or socks5h"),
        ("p:3128", "unsupported scheme \"\", must be http, socks5 or socks5h"),
        ("http://", "its host or port is missing or malformed"),
        ("http://p:port", "its host or port is missing or malformed"),
        ("http://fe80::1:1", "its host or port is missing or malformed"),
        ("http://p:+80", "its host or port is missing or malformed"),
        ("socks5h://p", "socks5://p:1080"),
        ("http://a b", "its host or port is missing or malformed"),
    ];
    for (url, expected) in rows {
        let parsed = url.parse::<Proxy>();
        let shown = parsed.map_or_else(|error| error.to_string(), |proxy| proxy.to_string());
        assert_eq!(shown, expected, "{url}");
    }
    assert_eq!(decode("a%40b%zz%+f%"), "a@b%zz%+f%");
}

/// What a proxy got from a tunnel to `host`, where it said `answers`, and what came of it.
async fn tunnel(proxy: &str, host: &str, answers: &[u8]) -> (Vec<u8>, Result<(), String>) {
    let (ours, mut theirs) = duplex(65_536);
    theirs.write_all(answers).await.unwrap();
    let mut stream: Stream = Box::new(ours);
    let proxy: Proxy = proxy.parse().unwrap();
    let result = {
        let tunnel = proxy.tunnel(&mut stream, host, 6443);
        // A proxy that says no more has closed the connection.
        let ended = tokio::time::timeout(std::time::Duration::from_secs(5), tunnel).await;
        ended.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    };
    drop(stream);
    let mut got = Vec::new();
    theirs.read_to_end(&mut got).await.unwrap();
    (got, result.map_err(|error| error.to_string()))
}

#[tokio::test(start_paused = true)]
async fn proxies_are_asked_for_a_tunnel() {
    let connect = |extra: &str| {
        format!("CONNECT a.example:6443 HTTP/1.1\r\nHost: a.example:6443\r\n{extra}\r\n")
            .into_bytes()
    };
    let ok = b"HTTP/1.0 200 Connection established\r\nX: y\r\n\r\nwhat follows";
    assert_eq!(tunnel("http://p", "a.example", ok).await, (connect(""), Ok(())));
    let login = connect("Proxy-Authorization: Basic dTpAcA==\r\n");
    assert_eq!(tunnel("http://u:%40p@p", "a.example", ok).await, (login, Ok(())));
    let rows: [(&[u8], &str); 2] = [
        (
            b"HTTP/1.1 403 Forbidden\r\n\r\n",
            "http://p:80 refused CONNECT a.example:6443: \"403 Forbidden\"",
        ),
        (b"SSH-2.0 \r\n\r\n", "http://p:80 answered CONNECT with no HTTP: \"SSH-2.0 \""),
    ];
    for (answer, expected) in rows {
        let (_, result) = tunnel("http://p", "a.example", answer).await;
        assert_eq!(result.unwrap_err(), expected);
    }
    let endless = tunnel("http://p", "a.example", &vec![b'x'; LONGEST_HEAD + 1]).await;
    assert_eq!(endless.1.unwrap_err(), "the proxy's response is too long");
}

#[tokio::test(start_paused = true)]
async fn socks_proxies_are_asked_for_names_and_addresses() {
    let done = [5, 0, 5, 0, 0, 1, 10, 0, 0, 1, 0, 80];
    let name = [&[5, 1, 0, 5, 1, 0, 3, 9][..], b"a.example", &[0x19, 0x2B]].concat();
    assert_eq!(tunnel("socks5://p", "a.example", &done).await, (name, Ok(())));
    let ip = vec![5, 1, 0, 5, 1, 0, 1, 10, 0, 0, 7, 0x19, 0x2B];
    assert_eq!(tunnel("socks5://p", "10.0.0.7", &done).await, (ip, Ok(())));
    let with_login = [5, 2, 1, 0, 5, 0, 0, 3, 1, b'x', 0, 80];
    let (got, result) = tunnel("socks5://u:pw@p", "fd00::1", &with_login).await;
    assert_eq!(result, Ok(()));
    let expected = [&[5, 2, 0, 2, 1, 1, b'u', 2, b'p', b'w', 5, 1, 0, 4, 0xFD][..], &[0; 14], &[1]];
    assert_eq!(got, [expected.concat(), vec![0x19, 0x2B]].concat());
    let rows: [(&[u8], &str); 5] = [
        (&[5, 0, 4, 0, 0, 1], "unexpected protocol version 4"),
        (&[5, 0xFF], "no acceptable authentication methods"),
        (&[4, 0], "unexpected protocol version or authentication method"),
        (&[5, 2, 1, 1], "unexpected protocol version or authentication method"),
        (&[5, 0, 5, 4, 0, 1], "unknown error host unreachable"),
    ];
    for (answer, expected) in rows {
        let (_, result) = tunnel("socks5://p", "a.example", answer).await;
        assert_eq!(result.unwrap_err(), expected, "{answer:?}");
    }
}

#[test]
fn the_environment_names_proxies_and_what_needs_none() {
    let set = |pairs: &[(&'static str, &'static str)]| {
        let pairs = pairs.to_vec();
        Environment::new(move |name| {
            let value = pairs.iter().find(|(known, _)| *known == name);
            value.map(|(_, value)| (*value).to_owned()).unwrap_or_default()
        })
    };
    let both = [("HTTPS_PROXY", "s:1"), ("http_proxy", "http://h:2")];
    let rows: [(&str, &str, Option<&str>); 30] = [
        ("", "https://a.example:443", Some("http://s:1")),
        ("", "http://a.example:80", Some("http://h:2")),
        ("", "https://localhost:443", None),
        ("", "https://LOCALHOST:443", Some("http://s:1")),
        ("", "https://127.0.0.9:443", None),
        ("", "https://::1:443", None),
        ("*", "https://a.example:443", None),
        ("x, *", "https://a.example:443", None),
        ("a.example", "https://a.example:443", None),
        ("a.example", "https://b.a.example:443", None),
        ("a.example", "https://ba.example:443", Some("http://s:1")),
        ("A.Example", "https://a.exAMPLE:443", None),
        (".a.example", "https://a.example:443", Some("http://s:1")),
        (".a.example", "https://b.a.example:443", None),
        ("*.a.example", "https://b.a.example:443", None),
        ("*.a.example", "https://a.example:443", Some("http://s:1")),
        ("a.example:443", "https://a.example:443", None),
        ("a.example:443", "https://a.example:6443", Some("http://s:1")),
        ("10.0.0.0/8", "https://10.9.9.9:443", None),
        ("10.0.0.0/8", "https://11.0.0.1:443", Some("http://s:1")),
        ("10.0.0.0/8", "https://node-10.0.0.1:443", Some("http://s:1")),
        ("0.0.0.0/0", "https://11.0.0.1:443", None),
        ("10.0.0.0/33", "https://10.0.0.1:443", Some("http://s:1")),
        ("fd00::/8", "https://fd00::7:443", None),
        ("fd00::/8", "https://fe80::7:443", Some("http://s:1")),
        ("fd00::7", "https://fd00::7:443", None),
        ("[fd00::7]:10250", "https://fd00::7:10250", None),
        ("10.0.0.1:10250", "https://10.0.0.1:10250", None),
        ("10.0.0.1:10250", "https://10.0.0.1:443", Some("http://s:1")),
        (" ,:1,10.0.0.1 ", "https://10.0.0.1:443", None),
    ];
    for (excluded, target, expected) in rows {
        let environment = set(&[&both[..], &[("NO_PROXY", excluded)]].concat());
        let (scheme, rest) = target.split_once("://").unwrap();
        let (host, port) = rest.rsplit_once(':').unwrap();
        let proxy = environment.proxy_for(scheme, host, port.parse().unwrap());
        assert_eq!(proxy.map(Proxy::to_string).as_deref(), expected, "{excluded:?} {target}");
    }
    // What cannot be used is not used.
    let wrong =
        set(&[("HTTPS_PROXY", "https://p"), ("HTTP_PROXY", "p"), ("REQUEST_METHOD", "GET")]);
    for scheme in ["https", "http"] {
        assert_eq!(wrong.proxy_for(scheme, "a", 1), None, "{scheme}");
    }
}
