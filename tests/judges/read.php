<?php
// Read each file with SimplePie, and print what it makes of it: {file: items}.
error_reporting(E_ERROR);
require '/usr/share/php/simplepie/autoloader.php';

// Debian's SimplePie is of 2012, and its parser of dates stops under PHP 8: PHP's own stands in for it.
class Dates extends SimplePie_Parse_Date
{
    public function __construct() {}
    public static function get() { return new self(); }
    public function parse($date) { return strtotime($date); }
}

$found = [];
foreach (array_slice($argv, 1) as $file) {
    $feed = new SimplePie();
    $feed->get_registry()->register('Parse_Date', 'Dates');
    $feed->enable_cache(false);
    $feed->enable_order_by_date(false);
    $feed->set_raw_data(file_get_contents($file));
    if (!$feed->init()) {
        $found[$file] = (string) $feed->error();
        continue;
    }
    $found[$file] = array_map(fn($item) => [
        'title' => $item->get_title(),
        'published' => $item->get_gmdate('c'),
        'updated' => ($date = $item->get_updated_date('U')) ? gmdate('c', $date) : null,
        'authors' => array_map(fn($one) => $one->get_name() ?? $one->get_email(), $item->get_authors() ?? []),
        'categories' => array_map(fn($one) => $one->get_label(), $item->get_categories() ?? []),
        'text' => $item->get_content(),
        'picture' => $item->get_enclosure()?->get_link(),
        'id' => $item->get_id(),
        'link' => $item->get_permalink(),
    ], $feed->get_items());
}
echo json_encode($found);
