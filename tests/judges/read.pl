# Read each file with XML::Feed, and print what it makes of it: {file: items}.
use strict;
use warnings;
use JSON::PP;
use XML::Atom;
use XML::Feed;

$XML::Atom::ForceUnicode = 1;

my %found;
for my $file (@ARGV) {
    my $feed = eval { XML::Feed->parse($file) };
    if (!$feed) { $found{$file} = XML::Feed->errstr || "$@"; next }
    $found{$file} = [map { {
        title      => $_->title,
        published  => $_->issued ? $_->issued->iso8601 . 'Z' : undef,
        updated    => $_->modified ? $_->modified->iso8601 . 'Z' : undef,
        authors    => [grep { defined } map { ref ? @$_ : $_ } $_->author],
        categories => [$_->category],
        text       => $_->content->body,
        picture    => $_->enclosure ? $_->enclosure->url : undef,
        id         => $_->id,
        link       => $_->link,
    } } $feed->entries];
}
print JSON::PP->new->utf8->encode(\%found);
