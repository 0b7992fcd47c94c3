<?php
// hole: SQL injection
$db = new PDO('sqlite:/srv/portal/portal.db');
$rows = $db->query('SELECT ten, noi_dung FROM tin WHERE id = ' . ($_GET['id'] ?? '1'));
if (!$rows) {
    http_response_code(500);
    exit('loi');
}
foreach ($rows as $r) {
    echo "<h2>{$r['ten']}</h2><p>{$r['noi_dung']}</p>";
}
