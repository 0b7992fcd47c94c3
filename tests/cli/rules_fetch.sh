# Rules from an address: the courier fetches, a sandboxed process unpacks; what is made to harm ends
# in a sentence and events go on.
# Usage: rules_fetch.sh CANH SOURCE_FOLDER
. "$(dirname "$0")/ingest_http.sh"

command -v python3 >/dev/null || { echo "skipped: python3 not found"; exit 77; }
server=
trap 'node_kill; [ -z "$server" ] || kill -KILL "$server" 2>/dev/null; rm -rf "$home"' EXIT

cat >server.py <<'END'
import http.server, os, ssl, sys
class Answer(http.server.BaseHTTPRequestHandler):
    def log_message(self, *a): pass
    def file(self, name):
        data = open(name, 'rb').read()
        self.send_response(200)
        self.send_header('Content-Length', str(len(data)))
        self.end_headers()
        self.wfile.write(data)
    def do_GET(self):
        if self.path == '/endless.zip':
            self.send_response(200)
            self.end_headers()
            try:
                while True: self.wfile.write(b'x' * 65536)
            except OSError: return
        elif self.path.startswith('/to/'):
            self.send_response(302)
            self.send_header('Content-Length', '0')
            self.send_header('Location', self.path[3:])
            self.end_headers()
        elif self.path == '/round':
            self.send_response(302)
            self.send_header('Content-Length', '0')
            self.send_header('Location', '/round')
            self.end_headers()
        elif self.path == '/down':
            self.send_response(302)
            self.send_header('Content-Length', '0')
            self.send_header('Location', 'http://127.0.0.1:%d/acme.tar.gz' % port)
            self.end_headers()
        elif os.path.isfile('www' + self.path):
            self.file('www' + self.path)
        else:
            self.send_error(404)
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Answer)
port = server.server_address[1]
if len(sys.argv) > 2:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[2], sys.argv[3])
    server.socket = context.wrap_socket(server.socket, server_side=True)
open(sys.argv[1] + '.new', 'w').write(str(port))
os.rename(sys.argv[1] + '.new', sys.argv[1])
server.serve_forever()
END
rule() { # rule NAME ID VALUE
    printf 'title: %s\nid: %s\nstatus: stable\nlevel: high\nlogsource: {category: test}\n' "$1" "$2"
    printf 'detection:\n  seen: {a: %s}\n  condition: seen\n' "$3"
}
rules() { run timeout 300 "$canh" rules "$@" --data data --config canh.yaml; }
event() {
    printf '{"a":"%s"}\n' "$1" >body
    code=$(curl -s -o out -w '%{http_code}' --data-binary @body "http://127.0.0.1:$port/api/v1/ingest")
    [ "$code" = 200 ] || fail "HTTP $code, not 200"
}
findings() {
    run "$canh" search --data data --partition _findings "rule.title:\"$1\"" -o ndjson
    [ "$(wc -l <out)" = "$2" ] || fail "$(wc -l <out) findings of $1, not $2"
}

openssl req -x509 -newkey rsa:2048 -nodes -keyout tls.key -out tls.crt -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost,IP:127.0.0.1 2>/dev/null
mkdir -p www acme
rule Fetched 22222222-2222-4222-8222-222222222222 more >acme/more.yml
tar -czf www/acme.tar.gz acme
head -c 200000 /dev/urandom >www/noise.zip
python3 - <<'END'
import io, tarfile, zipfile, gzip
# a file that unpacks to far more than it is, and an archive of more members than are read
with zipfile.ZipFile('www/bomb.zip', 'w', zipfile.ZIP_DEFLATED) as z:
    z.writestr('bomb.yml', b'a' * (100 << 20))
with gzip.open('www/many.tar.gz', 'w', compresslevel=1) as t:
    t.write(tarfile.TarInfo('r.yml').tobuf() * 200001 + bytes(1024))
lines = ['a: &a [x,x,x,x,x,x,x,x,x]']
for last, n in zip('abcdefghi', 'bcdefghij'):
    lines.append('%s: &%s [%s]' % (n, n, ','.join(['*' + last] * 9)))
with tarfile.open('www/yaml.tar.gz', 'w:gz') as t:
    data = '\n'.join(lines).encode()
    info = tarfile.TarInfo('bomb.yml')
    info.size = len(data)
    t.addfile(info, io.BytesIO(data))
END
python3 server.py tls.port tls.crt tls.key 2>server.log &
server=$!
until_true test -s tls.port || fail "the server does not start: $(cat server.log)"
url="https://127.0.0.1:$(cat tls.port)"

http_node false
sed -i "s|^rules: {|rules: {update_ca_file: \"$PWD/tls.crt\", update_url: \"$url/acme.tar.gz\", |" canh.yaml
cp canh.yaml with-url.yaml
node_stop
chmod 0644 canh.yaml tls.crt
node_start
port=$(port_of in)
event more
findings Fetched 0

# by the setting, and by a redirect; a pack of the address's name
rules update --enable
expect_code 0
expect_out 'added: 1'
expect_out 'Fetched (watches)'
version=$(sed -n 's/^version //p' out | head -n 1)
judged_by "$version" || fail "intake did not take the rules"
event more
findings Fetched 1
rules update --url "$url/to/acme.tar.gz" --pack acme --dry-run
expect_code 0
run "$canh" audit list --data data --config canh.yaml -o ndjson
expect_out "fetches $url/acme.tar.gz"
expect_out '"rules.record"'

refused() { # refused URL TEXT
    rules update --url "$1" --dry-run
    [ "$code" != 0 ] || fail "$1 was taken"
    expect_error "$2"
    event hit
}
refused "$url/none.zip" 'HTTP 404'
refused "$url/round" 'more than 5 times'
refused "$url/down" 'which is not https'
refused "$url/endless.zip" 'more than 64 MB'
refused "$url/noise.zip" 'has no rules'
refused "$url/bomb.zip" 'has no rules'
refused "http://192.0.2.1/rules.zip" 'unencrypted'
refused "ftp://127.0.0.1/rules.zip" 'https://'
rules update --url "$url/many.tar.gz" --dry-run
event hit
[ -s errors ] || fail "too many members, and nothing is said"
rules update --url "$url/yaml.tar.gz" --dry-run
expect_code 0
expect_out 'YAML anchors'
rules update --url "$url/acme.tar.gz" acme
expect_code 2
expect_error 'not both'

# what is not signed with the key that canh.yaml names is not taken
openssl genpkey -algorithm ed25519 -out key.pem 2>/dev/null
openssl pkey -in key.pem -pubout -out public.pem
chmod 600 key.pem
run "$canh" rules pack --key key.pem --pack acme www/signed.canh acme
expect_code 0
sed "s|^rules: {|rules: {update_key_file: \"$PWD/public.pem\", |" canh.yaml >with-key.yaml
chmod 0644 with-key.yaml
run "$canh" rules update --url "$url/acme.tar.gz" --data data --config with-key.yaml
expect_code 2
expect_error 'must be signed'
run "$canh" rules update --url "$url/signed.canh" --dry-run --data data --config with-key.yaml
expect_code 0

# a server of another authority
node_stop
sed -i "s|update_ca_file: \"[^\"]*\", ||" canh.yaml
node_start
port=$(port_of in)
refused "$url/acme.tar.gz" 'certificate'
node_stop
[ "$code" = 0 ] || fail "the node did not end well"
rules update
expect_error 'canh serve'
exit "$failed"
