<?php
if ($_SERVER['REQUEST_METHOD'] === 'POST') {
    $db = new PDO('sqlite:/srv/portal/portal.db');
    $q = $db->prepare('SELECT ten FROM can_bo WHERE ten = ? AND mat_khau = ?');
    $q->execute([$_POST['ten'] ?? '', $_POST['mat_khau'] ?? '']);
    if ($q->fetch()) {
        header('Location: /index.php', true, 302);
        exit;
    }
    echo 'Sai tên hoặc mật khẩu';
}
echo '<form method="post"><input name="ten"><input name="mat_khau" type="password"></form>';
