"""What a User-Agent tells: every shape that readers are known to send, and any other."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pprnet_feeds.stats.user_agents import (
    LONGEST_NAME,
    MOST_SUBSCRIBERS,
    Reader,
    read_user_agent,
)

MOZILLA = "Mozilla/5.0 (compatible; "

REPORTS = {
    "Feedly/1.0 (+http://www.feedly.com/fetcher.html; 462 subscribers; )": ("Feedly", 462, ""),
    "Feedbin feed-id:1697787 - 102 subscribers": ("Feedbin", 102, "1697787"),
    "Inoreader/1.0 (+http://www.inoreader.com/feed-fetcher; 26 subscribers; )": ("Inoreader", 26, ""),
    "NewsBlur Feed Fetcher - 27 subscribers - https://www.newsblur.com/site/1/x (Macintosh)": (
        *("NewsBlur", 27, ""),
    ),
    MOZILLA + "theoldreader.com; 1 subscribers; feed-id=cead5d1e)": ("The Old Reader", 1, "cead5d1e"),
    MOZILLA + "BazQux/2.4; +https://bazqux.com/fetcher; 1 subscribers)": ("BazQux", 1, ""),
    "Dreamwidth Studios (http://www.dreamwidth.org/; webmaster@dreamwidth.org; for x; 2 readers)": (
        *("Dreamwidth", 2, ""),
    ),
    "Netvibes (http://www.netvibes.com/; 5 subscribers; feedId: 5404723)": ("Netvibes", 5, "5404723"),
    "YahooFeedSeeker/2.0 (compatible; Mozilla 4.0; MSIE 5.5; http://publisher.yahoo.com; users 2; views 0)": (
        *("Yahoo", 2, ""),
    ),
}


@pytest.mark.parametrize("agent", REPORTS)
def test_every_known_reader_is_understood(agent):
    name, subscribers, feed = REPORTS[agent]
    assert read_user_agent(agent.encode()) == Reader(name, subscribers, feed)


@pytest.mark.parametrize(
    ("agent", "subscribers"),
    [
        ("PodHopper/2.1 (1,234 users)", 1234),
        ("PodHopper 12 Subscribers", 12),
        ("PodHopper (1 subscriber)", 1),
        ("PodHopper; subscribers=17", 17),
        ("PodHopper (0 readers)", 0),
        (f"PodHopper ({MOST_SUBSCRIBERS} users)", MOST_SUBSCRIBERS),
        # Nonsense is not believed.
        (f"PodHopper ({MOST_SUBSCRIBERS + 1} users)", None),
        ("PodHopper (99999999999999999999 subscribers)", None),
        ("PodHopper -5 subscribers", None),
        ("PodHopper 1.5 subscribers", None),
        ("PodHopper ٣ subscribers", None),
        ("PodHopper/x12 subscribers", None),
        ("PodHopper 12 usersguide", None),
        ("PodHopper/12", None),
    ],
)
def test_a_reader_that_we_do_not_know_may_report_in_any_of_the_usual_words(agent, subscribers):
    assert read_user_agent(agent.encode()) == Reader("PodHopper", subscribers)


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("NetNewsWire (RSS Reader; https://netnewswire.com/)", "NetNewsWire"),
        ("Reeder/5040201 CFNetwork/1494 Darwin/23.4.0", "Reeder"),
        ("FreshRSS/1.24.1 (Linux; https://freshrss.org)", "FreshRSS"),
        (MOZILLA + "Miniflux/2.2.4; +https://miniflux.app)", "Miniflux"),
        ("Tiny Tiny RSS/24.06 (https://tt-rss.org/)", "Tiny Tiny RSS"),
        ("Liferea/1.15.4 (Linux; https://lzone.de/liferea/) AppleWebKit (KHTML, like Gecko)", "Liferea"),
        ("Newsboat/2.36.0 (Linux 6.9.7-amd64; https://newsboat.org/)", "Newsboat"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.0", "Thunderbird"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Zotero/7.0", "Zotero"),
        ("feedparser/6.0.11 +https://github.com/kurtmckee/feedparser/", "feedparser"),
    ],
)
def test_readers_that_report_nobody_are_known_by_name(agent, name):
    assert read_user_agent(agent.encode()) == Reader(name)


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", ""),
        ("Mozilla/5.0 (X11) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36", ""),
        ("Mozilla/4.0", ""),
        (MOZILLA + "FeedThing/1.2; +https://example.org)", "FeedThing"),
        ("RSS Guard/4.7.3", "RSS Guard"),
        ("Some Reader v3", "Some Reader"),
        ("Chromecast 3.0", "Chromecast"),
        ("Go-http-client/1.1", "Go-http-client"),
        ("Unheard feed-id:17 - 5 things", "Unheard"),
        ("203.0.113.9", ""),
        ("reader 203.0.113.9", "reader"),
        ("somebody@example.org", "somebody"),
        ("\x1b[31mRed/1", ""),
        ("<script>alert(1)</script>", ""),
        ("", ""),
    ],
)
def test_any_other_program_goes_by_what_it_calls_itself(agent, name):
    reader = read_user_agent(agent.encode())
    assert (reader.name, reader.subscribers) == (name, None)


@given(
    st.binary(max_size=400)
    | st.text(max_size=400).map(lambda text: text.encode())
    | st.text("0123456789,.;:-/() feedidsubscribers", max_size=300).map(lambda text: text.encode())
)
def test_any_user_agent_at_all_gives_what_may_be_kept(agent):
    reader = read_user_agent(agent)
    assert len(reader.name) <= LONGEST_NAME
    assert reader.name.isascii()
    assert reader.name.isprintable()
    assert "." not in reader.name
    assert reader.subscribers is None or 0 <= reader.subscribers <= MOST_SUBSCRIBERS
    assert reader.feed.isalnum() or reader.feed == ""
    assert len(reader.feed) <= 64


@pytest.mark.parametrize(
    "part", ["a ", "1,111", "feed-id", "Mozilla/5.0 Gecko", " - ", "(compatible; ", "9", " "]
)
def test_no_user_agent_takes_long(part):
    began = time.process_time()
    read_user_agent((part * 20_000).encode())
    assert time.process_time() - began < 0.5
