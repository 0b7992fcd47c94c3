# Addresses of the laboratory, all on loopback: documentation ranges (RFC 5737) and private ones.
SERVER=203.0.113.10
PROXY=10.10.20.2
STAFF="10.10.20.21 10.10.20.22 10.10.20.23 10.10.20.24 10.10.20.25"
# .7 guesses, .8 sprays, .9 scans, .66 serves payloads, .71-.79 one guess each
ATTACKERS="198.51.100.7 198.51.100.8 198.51.100.9 198.51.100.66 198.51.100.71 198.51.100.72
198.51.100.73 198.51.100.74 198.51.100.75 198.51.100.76 198.51.100.77 198.51.100.78 192.0.2.50"

# from ADDRESS: programs that cannot choose their source address now come from it
from() {
    ip route replace local "$SERVER" dev lo table local src "$1"
}
