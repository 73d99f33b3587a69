//! Kubelets that send without end.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::*;

/// Sends the same for every request, and then nothing more.
struct Hostile(Arc<[u8]>);

#[async_trait]
impl Network for Hostile {
    async fn connect(&self, _: SocketAddr) -> io::Result<Stream> {
        let (near, mut far) = duplex(1 << 16);
        let answer = self.0.clone();
        tokio::spawn(async move {
            let mut request = [0; 4096];
            // It responds even to half a request, and the client may close the connection.
            let _ = far.read(&mut request).await;
            let _ = far.write_all(&answer).await;
            while let Ok(1..) = far.read(&mut request).await {}
        });
        Ok(Box::new(near))
    }

    async fn datagram(&self, _: SocketAddr) -> io::Result<Box<dyn Datagram>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn listen(&self, _: SocketAddr) -> io::Result<Box<dyn Listener>> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Sends a TLS record repeatedly, up to 64 MiB, and counts the bytes that are read.
struct Endless {
    record: Vec<u8>,
    taken: Arc<AtomicUsize>,
}

#[async_trait]
impl Network for Endless {
    async fn connect(&self, _: SocketAddr) -> io::Result<Stream> {
        let (near, mut far) = duplex(1 << 14);
        let (record, taken) = (self.record.clone(), self.taken.clone());
        tokio::spawn(async move {
            let _ = far.read(&mut [0; 4096]).await;
            while taken.load(Relaxed) < 64 << 20 && far.write_all(&record).await.is_ok() {
                taken.fetch_add(record.len(), Relaxed);
            }
            while let Ok(1..) = far.read(&mut [0; 4096]).await {}
        });
        Ok(Box::new(near))
    }

    async fn datagram(&self, _: SocketAddr) -> io::Result<Box<dyn Datagram>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn listen(&self, _: SocketAddr) -> io::Result<Box<dyn Listener>> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Rows of: what, the kind of record, and what is in it.
#[tokio::test(start_paused = true)]
async fn a_handshake_without_end_costs_a_bounded_time_and_little_memory() {
    const CHANGE_CIPHER_SPEC: u8 = 20;
    const ALERT: u8 = 21;
    const HANDSHAKE: u8 = 22;
    const APPLICATION_DATA: u8 = 23;
    let rows: [(&str, u8, Vec<u8>); 9] = [
        ("a hello larger than any", HANDSHAKE, [&[2, 255, 255, 255][..], &[0; 16_000]].concat()),
        ("the same byte by byte", HANDSHAKE, vec![2]),
        ("requests for another hello", HANDSHAKE, vec![0, 0, 0, 0]),
        ("nothing", HANDSHAKE, vec![]),
        ("warnings", ALERT, vec![1, 90]),
        ("changes of the cipher", CHANGE_CIPHER_SPEC, vec![1]),
        ("what looks encrypted", APPLICATION_DATA, vec![0; 16_000]),
        ("nothing encrypted", APPLICATION_DATA, vec![]),
        ("no record", 99, vec![0; 100]),
    ];
    for (what, kind, content) in rows {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        let record = [&[kind, 3, 3][..], &length, &content].concat();
        let taken = Arc::new(AtomicUsize::new(0));
        let network = Arc::new(Endless { record, taken: taken.clone() });
        let config = client_config(TlsOptions::default(), &Clock::system()).unwrap();
        let client = client(network, Transport::Tls(DynamicFile::fixed(config)));
        let began = Instant::now();
        let error =
            client.scrape(&node(), None, &mut Session::default(), soon()).await.unwrap_err();
        assert!(began.elapsed() <= Duration::from_secs(5), "{what}");
        assert!(
            ["tls", "tls_timeout", "tls_alert", "broken_connection"]
                .contains(&error.cause().name()),
            "{what}: {error}"
        );
        let taken = taken.load(Relaxed);
        assert!(taken < 256 << 10, "{what}: {taken} bytes, then {error}");
    }
}

/// Rows of: what, the response, and the cause that is counted; none where the response is good.
#[allow(clippy::too_many_lines, reason = "it is a table")]
#[tokio::test(start_paused = true)]
async fn hostile_answers_cost_a_bounded_time_and_have_a_cause() {
    let long = |byte: &str| byte.repeat(1 << 20);
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let length = BODY.len();
    let good = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{BODY}");
    let rows = [
        (
            "a header without end",
            format!("HTTP/1.1 200 OK\r\nx: {}", long("a")),
            "broken_connection",
        ),
        (
            "headers without end",
            format!("HTTP/1.1 200 OK\r\n{}", long("x: y\r\n")),
            "broken_connection",
        ),
        ("a status without end", format!("HTTP/1.1 200 {}", long("a")), "broken_connection"),
        (
            "interim answers without end",
            "HTTP/1.1 100 Continue\r\n\r\n".repeat(100_000),
            "broken_connection",
        ),
        (
            "interim answers, then a good one",
            "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(100) + &good,
            "",
        ),
        ("an extension of a chunk without end", format!("{chunked}5;{}", long("a")), "body_broken"),
        (
            "extensions of chunks without end",
            chunked.to_owned() + &"1;aaaaaaaaaaaaaaaaaaaaaaaa\r\n#\r\n".repeat(100_000),
            "body_broken",
        ),
        ("trailers without end", format!("{chunked}0\r\n{}", long("x: y\r\n")), "body_broken"),
        ("a chunk larger than numbers", format!("{chunked}FFFFFFFFFFFFFFFFF\r\n"), "body_broken"),
        (
            "a chunk of nearly all numbers",
            format!("{chunked}FFFFFFFFFFFFFFFF\r\n{}", "#".repeat(40 << 20)),
            "body_too_large",
        ),
        ("chunks of one byte", chunked.to_owned() + &"1\r\n#\r\n".repeat(100_000), "body_timeout"),
        (
            "two lengths",
            format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\ncontent-length: 3\r\n\r\n{BODY}"
            ),
            "broken_connection",
        ),
        (
            "a length below nothing",
            format!("HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n{BODY}"),
            "broken_connection",
        ),
        (
            "a length above numbers",
            format!("HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\n{BODY}"),
            "broken_connection",
        ),
        (
            "a bomb of unknown length",
            format!("{chunked}0\r\n\r\n")
                .replace("chunked\r\n", "chunked\r\ncontent-encoding: gzip\r\n"),
            "body_encoded",
        ),
        (
            "another protocol",
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n"
                .to_owned(),
            "http_redirect",
        ),
        ("no protocol", long("\u{1b}[2J"), "broken_connection"),
        (
            "a name that terminals obey",
            format!("{chunked}0\r\n\r\n")
                .replace("chunked\r\n", "chunked\r\ncontent-encoding: \u{9b}2J\r\n"),
            "body_encoded",
        ),
    ];
    for (what, answer, cause) in rows {
        let client = client(Arc::new(Hostile(answer.into_bytes().into())), Transport::Plain);
        let began = Instant::now();
        let scraped = client.scrape(&node(), None, &mut Session::default(), soon()).await;
        assert!(began.elapsed() <= Duration::from_secs(5), "{what}");
        match scraped {
            Ok(_) => assert_eq!(cause, "", "{what}"),
            Err(error) => {
                assert_eq!(error.cause().name(), cause, "{what}: {error}");
                assert!(error.to_string().len() < 500, "{what}");
            }
        }
    }
}
