<?php
$db = new PDO('sqlite:/srv/portal/portal.db');
echo "<h1>Cổng thông tin điện tử xã thử nghiệm</h1><ul>";
foreach ($db->query('SELECT id, ten FROM tin') as $r) {
    echo "<li><a href=\"/tin-tuc.php?id={$r['id']}\">{$r['ten']}</a></li>";
}
echo '</ul>';
