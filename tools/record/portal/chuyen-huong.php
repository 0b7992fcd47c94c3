<?php
// hole: open redirect
header('Location: ' . ($_GET['url'] ?? '/'), true, 302);
