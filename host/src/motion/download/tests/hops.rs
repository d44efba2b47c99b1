//! What a download meets before the source: redirects, proxies, TLS, the policy.

use super::*;
use crate::motion::download::Proxy;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

fn follow(url: &str) -> DownloadRequest {
    let mut request = request(url);
    request.follow_redirects = true;
    request
}

fn redirect(location: &str) -> Reply {
    let headers = format!("Location: {location}\nContent-Length: 0");
    Reply::Close(http("302 Found", &headers, b""))
}

/// A server's side of TLS, and the certificate that vouches for it.
fn tls() -> (TlsAcceptor, Vec<u8>) {
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    let certificate = made.cert.der().clone();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), certificate.to_vec())
}

#[tokio::test]
async fn redirects_are_followed_where_that_is_asked_for() {
    let server = Server::start(|asked| match asked.line.as_str() {
        "GET /a HTTP/1.1" => redirect("b/c?sig=hush"),
        "GET /b/c?sig=hush HTTP/1.1" => redirect("/d"),
        "GET /d HTTP/1.1" => file(asked, b"there", ETAG, usize::MAX),
        _ => redirect("/loop"),
    })
    .await;
    assert_eq!(read(follow(&server.url("/a"))).await.unwrap(), b"there");
    let not_followed = refused(request(&server.url("/a"))).await;
    assert_eq!(not_followed.kind(), PluginErrorKind::InvalidArgument);
    assert!(not_followed.message().contains("/b/c?…"), "{not_followed}");
    assert!(!not_followed.to_string().contains("hush"), "{not_followed}");
    let looping = refused(follow(&server.url("/loop"))).await;
    assert!(looping.message().contains("more than 10 times"), "{looping}");
}

#[tokio::test]
async fn a_redirect_leads_neither_to_a_file_nor_out_of_encryption() {
    let server = Server::start(|_| redirect("file:///etc/passwd")).await;
    let refused_file = refused(follow(&server.url("/"))).await;
    assert_eq!(refused_file.kind(), PluginErrorKind::PermissionDenied);

    let (acceptor, authority) = tls();
    let server = Server::encrypted(acceptor, |_| redirect("http://127.0.0.1/")).await;
    let mut settings = settings();
    settings.authorities.push(authority);
    let url = format!("https://127.0.0.1:{}/", server.port());
    let downgraded = Downloader::new(settings).open(&call(), follow(&url)).await.unwrap_err();
    assert_eq!(downgraded.kind(), PluginErrorKind::PermissionDenied);
    assert!(downgraded.message().contains("not encrypted"), "{downgraded}");
}

#[tokio::test]
async fn an_inner_address_is_not_connected_to_at_any_hop() {
    let inner = Server::start(|asked| file(asked, b"secret", ETAG, usize::MAX)).await;
    let strict = Downloader::new(DownloadSettings::new(SourcePolicy::new(&[], &[]).unwrap()));
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "[::1]", "0x7f.1", "2130706433"] {
        let url = format!("http://{host}:{}/", inner.port());
        let refused = strict.open(&call(), request(&url)).await.unwrap_err();
        assert_eq!(refused.kind(), PluginErrorKind::PermissionDenied, "{refused}");
    }
    // The first hop is allowed, the second is the same machine by another address.
    let elsewhere = format!("http://127.0.0.2:{}/", inner.port());
    let outer = Server::start(move |_| redirect(&elsewhere)).await;
    let refused = refused(follow(&outer.url("/"))).await;
    assert_eq!(refused.kind(), PluginErrorKind::PermissionDenied, "{refused}");
    assert!(inner.asked().is_empty());
    assert_eq!(outer.asked().len(), 1);
}

#[tokio::test]
async fn credentials_are_sent_to_their_own_host_only() {
    let other = Server::start(|asked| file(asked, b"there", ETAG, usize::MAX)).await;
    let location = other.url("/");
    let server = Server::start(move |asked| match asked.line.as_str() {
        "GET /a HTTP/1.1" => redirect("/b"),
        _ => redirect(&location),
    })
    .await;
    let url = format!("http://ann:secret@{}/a", server.address());
    assert_eq!(read(follow(&url)).await.unwrap(), b"there");
    for asked in server.asked() {
        // ann:secret
        assert_eq!(asked.header("authorization"), Some("Basic YW5uOnNlY3JldA=="));
    }
    assert_eq!(server.asked().len(), 2);
    assert!(other.asked()[0].header("authorization").is_none());
}

#[tokio::test]
async fn a_server_is_believed_where_an_authority_vouches_for_it() {
    let (acceptor, authority) = tls();
    let server = Server::encrypted(acceptor, |asked| file(asked, b"there", ETAG, usize::MAX)).await;
    let url = format!("https://127.0.0.1:{}/", server.port());
    let mut settings = settings();
    settings.authorities.push(tls().1);
    let distrusted = Downloader::new(settings.clone()).open(&call(), request(&url)).await;
    let distrusted = distrusted.unwrap_err();
    assert_eq!(distrusted.kind(), PluginErrorKind::Unavailable);
    assert_eq!(distrusted.retry_hint(), Retry::Never, "{distrusted}");
    assert!(server.asked().is_empty());
    settings.authorities.push(authority);
    let downloader = Downloader::new(settings);
    let mut download = downloader.open(&call(), request(&url)).await.unwrap();
    assert_eq!(rest(&mut download).await.unwrap(), b"there");
}

#[tokio::test]
async fn a_proxy_is_asked_in_its_own_way() {
    let (acceptor, authority) = tls();
    let secure =
        Server::encrypted(acceptor, |asked| file(asked, b"secure", ETAG, usize::MAX)).await;
    let tunnel = secure.address();
    let proxy = Server::start(move |asked| match asked.line.starts_with("CONNECT ") {
        true => Reply::Tunnel(tunnel),
        false => file(asked, b"plain", ETAG, usize::MAX),
    })
    .await;
    let mut settings = settings();
    settings.authorities.push(authority);
    let url = format!("http://joe:hush@{}", proxy.address());
    settings.proxy = Some(Proxy::new(&url).unwrap());
    let downloader = Downloader::new(settings);

    let plain = request("http://ann:secret@127.0.0.1:81/a?b");
    let mut download = downloader.open(&call(), plain).await.unwrap();
    assert_eq!(rest(&mut download).await.unwrap(), b"plain");
    let secured = request(&format!("https://127.0.0.1:{}/", secure.port()));
    let mut download = downloader.open(&call(), secured).await.unwrap();
    assert_eq!(rest(&mut download).await.unwrap(), b"secure");
    let [plain, connect] = &proxy.asked()[..] else {
        panic!("{:?}", proxy.asked());
    };
    assert_eq!(plain.line, "GET http://127.0.0.1:81/a?b HTTP/1.1");
    // ann:secret, joe:hush
    assert_eq!(plain.header("authorization"), Some("Basic YW5uOnNlY3JldA=="));
    assert_eq!(connect.line, format!("CONNECT 127.0.0.1:{} HTTP/1.1", secure.port()));
    for asked in [plain, connect] {
        assert_eq!(asked.header("proxy-authorization"), Some("Basic am9lOmh1c2g="));
    }
    assert!(secure.asked()[0].header("proxy-authorization").is_none());
    // The policy holds behind a proxy as well.
    let refused = downloader.open(&call(), request("http://10.0.0.1/")).await.unwrap_err();
    assert_eq!(refused.kind(), PluginErrorKind::PermissionDenied);
    assert_eq!(proxy.asked().len(), 2);
}

/// Names that mean nothing here: nobody knows where a proxy would go by them.
#[tokio::test]
async fn a_proxy_is_not_sent_where_nobody_can_judge_and_not_to_what_is_our_own() {
    let proxy = Server::start(|asked| file(asked, b"by the proxy", ETAG, usize::MAX)).await;
    let own = Server::start(|asked| file(asked, b"by ourselves", ETAG, usize::MAX)).await;
    let downloader = |allow: &[&str]| {
        let allow: Vec<_> = allow.iter().map(|&entry| entry.to_owned()).collect();
        let mut settings = settings();
        settings.policy = SourcePolicy::new(&allow, &[]).unwrap();
        settings.proxy = Some(Proxy::new(&proxy.url("")).unwrap());
        Downloader::new(settings)
    };
    let nowhere = || request("http://metadata.invalid/secret");
    let refused = downloader(&[]).open(&call(), nowhere()).await.unwrap_err();
    assert_eq!(refused.kind(), PluginErrorKind::Unavailable);
    assert!(refused.to_string().contains("download_allow"), "{refused}");
    assert!(proxy.asked().is_empty());

    let named = downloader(&["Metadata.invalid", "localhost"]);
    let mut download = named.open(&call(), nowhere()).await.unwrap();
    assert_eq!(rest(&mut download).await.unwrap(), b"by the proxy");
    let url = format!("http://localhost:{}/", own.port());
    let mut download = named.open(&call(), request(&url)).await.unwrap();
    assert_eq!(rest(&mut download).await.unwrap(), b"by ourselves");
    assert_eq!((proxy.asked().len(), own.asked().len()), (1, 1));
}
