/* Intake certificate: what a sender is called by the certificate that it showed. Threads: any. */
#pragma once
#include <gnutls/gnutls.h>

#include "base/str.h"

enum { INTAKE_CERTIFICATE_NAME_BYTES = 190 };
/* The first DNS name, mail address or URI that the certificate is for, else its common name. Empty:
 * it showed none, it has no name, or one that could be taken for a token's sender ("token:").
 * Characters that no name has are `?`. NUL behind it; returns the length. */
size_t intake_certificate_name(gnutls_session_t session, char out[INTAKE_CERTIFICATE_NAME_BYTES]);
