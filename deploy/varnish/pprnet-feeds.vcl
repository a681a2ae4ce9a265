# pprnet-feeds behind Varnish 7.1 or newer: /etc/varnish/pprnet-feeds.vcl
#
# Needs the parameters of varnish.conf. What is written here is explained in
# docs/operator/proxy.md and tried by tests/test_deploy_caches.py.

vcl 4.1;

import std;

# --- What you may want to change -----------------------------------------------------------------

# The service. It closes connections that are idle for 5 s: see backend_idle_timeout in varnish.conf.
backend service {
    .host = "127.0.0.1";
    .port = "8001";
    .connect_timeout = 1s;
    .first_byte_timeout = 10s;
    .between_bytes_timeout = 10s;
    .probe = {
        .url = "/healthz";
        .interval = 2s;
        .timeout = 1s;
        .window = 4;
        .threshold = 2;
    }
}

# Who may empty the cache, and see /metrics and /readyz.
acl operator {
    "127.0.0.1";
    "::1";
}

# --- Nothing to change from here on --------------------------------------------------------------

sub vcl_recv {
    if (req.method == "BAN") {
        if (client.ip !~ operator) {
            return (synth(405));
        }
        ban("obj.status != 0");
        return (synth(200, "Dropped"));
    }
    # Only a path is an address of ours, and a `#` ends it: what follows would hide the path from the rules below.
    if (req.url !~ "^/" && req.method != "OPTIONS") {
        return (synth(400));
    }
    set req.url = regsub(req.url, "#.*$", "");
    if (req.url ~ "^/(metrics|readyz)(\?|$)" && client.ip !~ operator) {
        return (synth(404));
    }

    # Other headers of a client are dropped. The name of the host is not needed: base_url counts.
    set req.http.Host = "pprnet-feeds";
    set req.http.X-Forwarded-For = client.ip;
    unset req.http.Cookie;
    unset req.http.Authorization;
    unset req.http.Forwarded;
    unset req.http.X-Forwarded-Host;
    unset req.http.X-Forwarded-Proto;
    unset req.http.X-Forwarded-Prefix;
    unset req.http.X-Original-URL;
    unset req.http.X-Rewrite-URL;
    unset req.http.Upgrade;

    if (req.method !~ "^(GET|HEAD|OPTIONS)$") {
        return (synth(405));
    }
    # No body is read, so its bytes would be taken for the next request.
    if (req.http.Content-Length || req.http.Transfer-Encoding) {
        return (synth(413));
    }
    if (req.method == "OPTIONS") {
        return (pass);
    }

    # A field may be on several lines, which are one list; only the first would be read.
    std.collect(req.http.Accept-Encoding);
    std.collect(req.http.Sec-Fetch-Dest);
    std.collect(req.http.If-None-Match);

    # Of all that readers write into Accept-Encoding, one of three values is left. What a reader takes at its
    # full weight comes first, then what it takes at all; what has the weight 0 is never sent.
    if (req.http.Accept-Encoding ~ "(?i)(^|,)\s*br\s*(;\s*q=1(\.0*)?\s*)?(,|$)") {
        set req.http.Accept-Encoding = "br";
    } elsif (req.http.Accept-Encoding ~ "(?i)(^|,)\s*(x-)?gzip\s*(;\s*q=1(\.0*)?\s*)?(,|$)") {
        set req.http.Accept-Encoding = "gzip";
    } elsif (req.http.Accept-Encoding ~ "(?i)(^|,)\s*identity\s*(;\s*q=1(\.0*)?\s*)?(,|$)") {
        unset req.http.Accept-Encoding;
    } elsif (req.http.Accept-Encoding ~ "^\s*\*\s*(;\s*q=1(\.0*)?\s*)?$") {
        set req.http.Accept-Encoding = "br";
    } elsif (req.http.Accept-Encoding ~ "(?i)(^|,)\s*(x-)?gzip\s*;\s*q=0\.\d*[1-9]") {
        set req.http.Accept-Encoding = "gzip";
    } elsif (req.http.Accept-Encoding ~ "(?i)(^|,)\s*br\s*;\s*q=0\.\d*[1-9]") {
        set req.http.Accept-Encoding = "br";
    } else {
        unset req.http.Accept-Encoding;
    }
    # Of Sec-Fetch-Dest, whether a browser is to show the answer.
    if (req.http.Sec-Fetch-Dest != "document") {
        unset req.http.Sec-Fetch-Dest;
    }

    # A query matters only here. It is removed elsewhere, so that no client can fill the cache with invented ones.
    if (req.url ~ "^/(feeds\.opml|oembed|subscribe|search)/?\?.") {
        return (pass);
    }
    set req.url = regsub(req.url, "\?.*$", "");

    # While the service works, a copy is served for one second after it expires, and a new one is fetched.
    # When the service does not work, the last good copy is served, however old.
    set req.grace = 8d;
    if (req.restarts == 0 && std.healthy(req.backend_hint)) {
        set req.grace = 1s;
    }
    return (hash);
}

sub vcl_backend_response {
    if (beresp.status == 200 && beresp.ttl > 0s && beresp.http.Cache-Control !~ "no-store|no-cache|private") {
        # Two seconds with the grace protect the service from any crowd. They end before the
        # hubs, notified after three, fetch a new post. The copy then stays, to be renewed or for an outage.
        if (beresp.ttl > 1s) {
            set beresp.ttl = 1s;
        }
        set beresp.grace = 8d;
        set beresp.keep = 0s;
        return (deliver);
    }
    if (beresp.status >= 500 && bereq.is_bgfetch) {
        return (abandon);
    }
    # Errors and redirects are not stored: there is no limit to their addresses.
    set beresp.uncacheable = true;
    set beresp.ttl = 10s;
    return (deliver);
}

sub vcl_backend_error {
    unset beresp.http.Server;
    set beresp.http.Content-Type = "text/plain; charset=utf-8";
    set beresp.http.Cache-Control = "no-store";
    set beresp.http.Retry-After = "60";
    set beresp.http.Access-Control-Allow-Origin = "*";
    set beresp.body = {"The feeds cannot be reached for the moment.
"};
    return (deliver);
}

sub vcl_deliver {
    if (req.restarts == 0 && req.method != "OPTIONS" && resp.status >= 500 && resp.status != 501) {
        return (restart);
    }
    # Varnish compares with one entity tag only; readers may send a list (RFC 9110 §13.1.2).
    if (req.http.If-None-Match && resp.http.ETag && std.strstr(req.http.If-None-Match, resp.http.ETag)) {
        set req.http.If-None-Match = resp.http.ETag;
    }
    unset resp.http.Via;
    unset resp.http.X-Varnish;
    return (deliver);
}

sub vcl_synth {
    set resp.http.Content-Type = "text/plain; charset=utf-8";
    set resp.http.Cache-Control = "no-store";
    set resp.http.Access-Control-Allow-Origin = "*";
    if (resp.status == 405) {
        set resp.http.Allow = "GET, HEAD, OPTIONS";
    }
    unset resp.http.Server;
    unset resp.http.X-Varnish;
    set resp.body = resp.reason + {"
"};
    return (deliver);
}
