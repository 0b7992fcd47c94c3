<?php
// hole: path traversal
$f = '/srv/portal/' . ($_GET['tep'] ?? '');
if (!is_file($f)) {
    http_response_code(404);
    exit;
}
readfile($f);
