<?php
// hole: command injection
system('ping -c 1 -W 1 ' . ($_GET['may'] ?? '127.0.0.1') . ' 2>&1');
