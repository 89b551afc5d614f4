#!/bin/sh
# Makes the keys and certificates that a gateway in development needs, in the folder that you name:
#
#   certs-example/make-pki.sh ~/portcullis-pki        # valid 30 days
#   certs-example/make-pki.sh ~/portcullis-pki 90
#
# Roots that know nothing of each other, because each answers another question: is this our gateway (gateway-ca), is this
# our backend (backend-ca), is this the partner, and the gateway in that partner's eyes (partner-ca for the smart-home
# partner, parkline-ca for the one that runs the barriers), and which partner calls us (partner-clients-ca). All keys are
# ECDSA P-256 and readable by you only. README.md says which file goes where. Not for production: there, the keys of
# the roots do not lie beside the certificates that they sign.
set -eu
umask 077

dir=${1:-}
days=${2:-30}
case $dir in
'' | -*)
    echo 'usage: make-pki.sh FOLDER [DAYS]' >&2
    exit 2
    ;;
esac
mkdir -p "$dir"
cd "$dir"
if git rev-parse --is-inside-work-tree >/dev/null 2>&1 && ! git check-ignore -q .; then
    echo "make-pki.sh: $dir lies in a git work tree, and private keys do not; take a folder outside" >&2
    exit 2
fi
if [ -e gateway-ca.key ]; then
    echo "make-pki.sh: $dir has keys already; take another folder, or remove it" >&2
    exit 2
fi

key() { # name
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key" 2>/dev/null
}

authority() { # name
    key "$1"
    openssl req -x509 -new -key "$1.key" -days "$days" -out "$1.pem" \
        -subj "/O=Example (development)/CN=$1" \
        -addext 'basicConstraints=critical,CA:TRUE,pathlen:0' -addext 'keyUsage=critical,keyCertSign,cRLSign'
}

leaf() { # name, its authority, serverAuth or clientAuth, subjectAltName
    key "$1"
    openssl req -new -key "$1.key" -subj "/O=Example (development)/CN=$1" -out "$1.csr"
    openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -days "$days" -out "$1.pem" -extfile - 2>/dev/null <<EXT
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = $3
subjectAltName = $4
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
EXT
    rm "$1.csr"
    purpose=$([ "$3" = serverAuth ] && echo sslserver || echo sslclient)
    openssl verify -purpose "$purpose" -CAfile "$2.pem" "$1.pem" >/dev/null
}

authority gateway-ca
authority backend-ca
authority partner-ca
authority parkline-ca
authority partner-clients-ca
leaf gateway gateway-ca serverAuth 'DNS:gateway.prop.example, DNS:smarthome.gateway.prop.example, DNS:parkline.gateway.prop.example, DNS:localhost, IP:127.0.0.1, IP:::1'
leaf gateway-for-partners gateway-ca serverAuth 'DNS:smarthome.gateway.prop.example, DNS:localhost, IP:127.0.0.1, IP:::1'
leaf backend backend-ca clientAuth 'URI:spiffe://prop.example/backend'
leaf partner partner-ca serverAuth 'DNS:api.smarthome.example, DNS:localhost, IP:127.0.0.1, IP:::1'
leaf gateway-at-partner partner-ca clientAuth 'URI:spiffe://prop.example/gateway'
leaf parkline parkline-ca serverAuth 'DNS:api.parkline.example, DNS:localhost, IP:127.0.0.1, IP:::1'
leaf gateway-at-parkline parkline-ca clientAuth 'URI:spiffe://prop.example/gateway'
leaf partner-client partner-clients-ca clientAuth 'URI:spiffe://smarthome.example/events'
chmod 644 ./*.pem

echo "in $(pwd), valid $days days:"
ls ./*.pem ./*.key
