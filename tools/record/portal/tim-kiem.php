<?php
$db = new PDO('sqlite:/srv/portal/portal.db');
$q = $db->prepare('SELECT id, ten FROM tin WHERE ten LIKE ?');
$q->execute(['%' . ($_GET['q'] ?? '') . '%']);
foreach ($q as $r) {
    echo "<li>{$r['ten']}</li>";
}
