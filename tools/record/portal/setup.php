<?php
// Laboratory portal with deliberate holes. Never put it on a real server.
$db = new PDO('sqlite:/srv/portal/portal.db');
$db->exec('CREATE TABLE tin(id INTEGER PRIMARY KEY, ten TEXT, noi_dung TEXT)');
$db->exec('CREATE TABLE can_bo(ten TEXT, mat_khau TEXT)');
$db->exec("INSERT INTO can_bo VALUES('vanthu', 'Vanthu@2026')");
$titles = ['Lịch tiếp công dân', 'Thông báo nghỉ lễ', 'Kế hoạch tiêm chủng', 'Hướng dẫn nộp thuế', 'Kết quả đấu thầu',
    'Tuyển dụng công chức', 'Lễ hội mùa xuân', 'Phòng chống bão', 'Cấp căn cước', 'Chuyển đổi số'];
$add = $db->prepare('INSERT INTO tin(ten, noi_dung) VALUES(?, ?)');
foreach ($titles as $t) {
    $add->execute([$t, str_repeat($t . '. ', 120)]);
}
