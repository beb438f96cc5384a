/*
 * libfido2, whole calls, over a transport in memory: a key that answers with recorded bytes.
 * Reports of 64 bytes, CTAP 2.3 section 11.2.4. What libfido2 sends is taken and counted, not
 * looked at, but for the command that chooses the answer.
 */
#include <fido.h>
#include <fido/credman.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define REPORT 64
#define CTAPHID_INIT 0x06
#define CTAPHID_CBOR 0x10

struct bytes {
	const uint8_t *at;
	size_t length;
};

/* What the key answers, the status byte not included. */
struct answers {
	struct bytes info, made, got;
};

struct key {
	struct answers answers;
	uint8_t channel[4];
	uint8_t command;       /* of CTAPHID, of the message that is being answered */
	size_t request_left;   /* bytes that are still to come */
	uint8_t ctap_command;
	struct bytes answer;
	uint8_t init[17];
	size_t answer_left;
	uint8_t sequence;
	int first;
};

/* fido_dev_open hands over a path, no pointer. */
static struct key the_key;

static void *
key_open(const char *path)
{
	(void)path;
	return &the_key;
}

static void
key_close(void *handle)
{
	(void)handle;
}

static int
key_write(void *handle, const unsigned char *report, size_t length)
{
	struct key *key = handle;
	const uint8_t *packet = report + 1; /* behind the number of the report */
	size_t here;

	if (length != REPORT + 1)
		return -1;
	if (packet[4] & 0x80) {
		memcpy(key->channel, packet, 4);
		key->command = packet[4] & 0x7f;
		key->request_left = (size_t)packet[5] << 8 | packet[6];
		key->ctap_command = packet[7];
		if (key->command == CTAPHID_INIT) {
			memcpy(key->init, packet + 7, 8);                            /* nonce */
			memcpy(key->init + 8, "\x01\x02\x03\x04\x02\x00\x00\x00\x04", 9); /* channel, CBOR */
		}
		here = REPORT - 7;
	} else {
		here = REPORT - 5;
	}
	key->request_left -= key->request_left < here ? key->request_left : here;
	if (key->request_left > 0)
		return (int)length;

	if (key->command == CTAPHID_INIT) {
		key->answer = (struct bytes){key->init, sizeof(key->init)};
	} else if (key->command == CTAPHID_CBOR) {
		switch (key->ctap_command) {
		case 0x01: key->answer = key->answers.made; break;
		case 0x02: key->answer = key->answers.got; break;
		case 0x04: key->answer = key->answers.info; break;
		default: return -1;
		}
	} else {
		return -1;
	}
	key->answer_left = key->answer.length;
	key->sequence = 0;
	key->first = 1;
	return (int)length;
}

static int
key_read(void *handle, unsigned char *report, size_t length, int milliseconds)
{
	struct key *key = handle;
	size_t head, here;

	(void)milliseconds;
	if (length < REPORT || (key->answer_left == 0 && !key->first))
		return -1;
	memset(report, 0, REPORT);
	memcpy(report, key->channel, 4);
	if (key->first) {
		report[4] = 0x80 | key->command;
		report[5] = (uint8_t)(key->answer.length >> 8);
		report[6] = (uint8_t)key->answer.length;
		head = 7;
		key->first = 0;
	} else {
		report[4] = key->sequence++;
		head = 5;
	}
	here = key->answer_left < REPORT - head ? key->answer_left : REPORT - head;
	memcpy(report + head, key->answer.at + (key->answer.length - key->answer_left), here);
	key->answer_left -= here;
	return REPORT;
}

/* The parameters of both requests, as they were recorded. */
struct asked {
	const uint8_t *client_data_hash; /* 32 bytes */
	const char *rp_id, *rp_name;
	const uint8_t *user_id;
	size_t user_id_length;
	const char *user_name, *user_display_name;
};

/* A key that is plugged in and opened; NULL if libfido2 does not take it. The answers hold the
 * status byte. */
fido_dev_t *
peer_fido2_open(struct answers answers)
{
	static const fido_dev_io_t io = {key_open, key_close, key_read, key_write};
	fido_dev_t *dev;

	fido_init(FIDO_DISABLE_U2F_FALLBACK);
	the_key.answers = answers;
	if ((dev = fido_dev_new()) == NULL)
		return NULL;
	if (fido_dev_set_io_functions(dev, &io) != FIDO_OK ||
	    fido_dev_open(dev, "memory") != FIDO_OK) {
		fido_dev_free(&dev);
		return NULL;
	}
	return dev;
}

/* Which answers come from now on. */
void
peer_fido2_answers(struct answers answers)
{
	the_key.answers = answers;
}

int
peer_fido2_get_info(fido_dev_t *dev)
{
	fido_cbor_info_t *info = fido_cbor_info_new();
	int error = info == NULL ? FIDO_ERR_INTERNAL : fido_dev_get_cbor_info(dev, info);

	fido_cbor_info_free(&info);
	return error;
}

int
peer_fido2_make_credential(fido_dev_t *dev, const struct asked *asked)
{
	fido_cred_t *cred = fido_cred_new();
	int error;

	if (cred == NULL)
		return FIDO_ERR_INTERNAL;
	if ((error = fido_cred_set_type(cred, COSE_ES256)) == FIDO_OK &&
	    (error = fido_cred_set_clientdata_hash(cred, asked->client_data_hash, 32)) == FIDO_OK &&
	    (error = fido_cred_set_rp(cred, asked->rp_id, asked->rp_name)) == FIDO_OK &&
	    (error = fido_cred_set_user(cred, asked->user_id, asked->user_id_length,
	         asked->user_name, asked->user_display_name, NULL)) == FIDO_OK &&
	    (error = fido_cred_set_rk(cred, FIDO_OPT_TRUE)) == FIDO_OK &&
	    (error = fido_cred_set_prot(cred, FIDO_CRED_PROT_UV_OPTIONAL_WITH_ID)) == FIDO_OK &&
	    (error = fido_cred_set_blob(cred, (const unsigned char *)"blob", 4)) == FIDO_OK &&
	    (error = fido_cred_set_extensions(cred,
	         FIDO_EXT_HMAC_SECRET | FIDO_EXT_CRED_PROTECT | FIDO_EXT_CRED_BLOB)) == FIDO_OK)
		error = fido_dev_make_cred(dev, cred, NULL);
	fido_cred_free(&cred);
	return error;
}

int
peer_fido2_get_assertion(fido_dev_t *dev, const struct asked *asked)
{
	fido_assert_t *assert = fido_assert_new();
	int error;

	if (assert == NULL)
		return FIDO_ERR_INTERNAL;
	if ((error = fido_assert_set_clientdata_hash(assert, asked->client_data_hash, 32)) == FIDO_OK &&
	    (error = fido_assert_set_rp(assert, asked->rp_id)) == FIDO_OK)
		error = fido_dev_get_assert(dev, assert, NULL);
	fido_assert_free(&assert);
	return error;
}

const char *
peer_fido2_error(int error)
{
	return fido_strerr(error);
}
