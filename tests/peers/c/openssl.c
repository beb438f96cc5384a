/*
 * PIN/UV auth protocol two, the platform's half, on OpenSSL 3. CTAP 2.3 section 6.5.7. What a
 * program can fetch or decode once is fetched once, in peer_openssl_new.
 */
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/param_build.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct openssl {
	EVP_KDF *hkdf;
	EVP_CIPHER *cbc;
	EVP_MD *sha256;
};

/* What goes to the key, and the MAC under the token that came from it. */
struct exchanged {
	uint8_t point[65];
	uint8_t pin_hash_enc[32];
	uint8_t mac[32];
};

struct openssl *
peer_openssl_new(void)
{
	struct openssl *o = calloc(1, sizeof(*o));

	if (o == NULL)
		return NULL;
	o->hkdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	o->cbc = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
	o->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	return o->hkdf && o->cbc && o->sha256 ? o : NULL;
}

static EVP_PKEY *
peer_key(const uint8_t point[65])
{
	OSSL_PARAM parameters[3] = {
	    OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0),
	    OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)point, 65),
	    OSSL_PARAM_construct_end(),
	};
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *key = NULL;

	if (context == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
	    EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(context);
	return key;
}

static int
agree(EVP_PKEY *own, EVP_PKEY *peer, uint8_t z[32])
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
	size_t length = 32;
	int ok = context != NULL && EVP_PKEY_derive_init(context) == 1 &&
	    EVP_PKEY_derive_set_peer(context, peer) == 1 &&
	    EVP_PKEY_derive(context, z, &length) == 1 && length == 32;

	EVP_PKEY_CTX_free(context);
	return ok;
}

static int
hkdf(struct openssl *o, uint8_t z[32], char *info, uint8_t key[32])
{
	static uint8_t salt[32];
	OSSL_PARAM parameters[5] = {
	    OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, "SHA256", 0),
	    OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, z, 32),
	    OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, salt, sizeof(salt)),
	    OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, strlen(info)),
	    OSSL_PARAM_construct_end(),
	};
	EVP_KDF_CTX *context = EVP_KDF_CTX_new(o->hkdf);
	int ok = context != NULL && EVP_KDF_derive(context, key, 32, parameters) == 1;

	EVP_KDF_CTX_free(context);
	return ok;
}

static int
cbc(struct openssl *o, int encrypt, const uint8_t key[32], const uint8_t iv[16],
    const uint8_t *from, int length, uint8_t *to)
{
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	int written = 0;
	int ok = context != NULL && EVP_CipherInit_ex2(context, o->cbc, key, iv, encrypt, NULL) == 1 &&
	    EVP_CIPHER_CTX_set_padding(context, 0) == 1 &&
	    EVP_CipherUpdate(context, to, &written, from, length) == 1 && written == length;

	EVP_CIPHER_CTX_free(context);
	return ok;
}

/* 1 if all went well. */
int
peer_openssl_exchange(struct openssl *o, const uint8_t peer_point[65], const char *pin,
    const uint8_t token_enc[48], const uint8_t client_data_hash[32], struct exchanged *out)
{
	EVP_PKEY *own = EVP_EC_gen("P-256"), *peer = peer_key(peer_point);
	uint8_t z[32], hmac_key[32], aes_key[32], digest[32], token[32];
	size_t length = 0;
	unsigned mac_length = 0;
	int ok = own != NULL && peer != NULL &&
	    EVP_PKEY_get_octet_string_param(own, OSSL_PKEY_PARAM_PUB_KEY, out->point, 65, &length) == 1 &&
	    length == 65 && agree(own, peer, z) && hkdf(o, z, "CTAP2 HMAC key", hmac_key) &&
	    hkdf(o, z, "CTAP2 AES key", aes_key) &&
	    EVP_Digest(pin, strlen(pin), digest, NULL, o->sha256, NULL) == 1 &&
	    RAND_bytes(out->pin_hash_enc, 16) == 1 &&
	    cbc(o, 1, aes_key, out->pin_hash_enc, digest, 16, out->pin_hash_enc + 16) &&
	    cbc(o, 0, aes_key, token_enc, token_enc + 16, 32, token) &&
	    HMAC(o->sha256, token, 32, client_data_hash, 32, out->mac, &mac_length) != NULL;

	EVP_PKEY_free(own);
	EVP_PKEY_free(peer);
	OPENSSL_cleanse(z, sizeof(z));
	OPENSSL_cleanse(hmac_key, sizeof(hmac_key));
	OPENSSL_cleanse(aes_key, sizeof(aes_key));
	OPENSSL_cleanse(digest, sizeof(digest));
	OPENSSL_cleanse(token, sizeof(token));
	return ok;
}
