<?php
// hole: any file may be uploaded, and uploads/ runs PHP
if (isset($_FILES['tep'])) {
    $name = basename($_FILES['tep']['name']);
    move_uploaded_file($_FILES['tep']['tmp_name'], "/srv/portal/uploads/$name");
    echo "Đã nhận $name";
    exit;
}
echo '<form method="post" enctype="multipart/form-data"><input type="file" name="tep"></form>';
