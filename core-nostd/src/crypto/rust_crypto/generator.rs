//! Multiples of P-256's generator, with a comb. Lim and Lee, CRYPTO '94; Handbook of Applied
//! Cryptography, algorithm 14.117.
//!
//! p256 0.13 multiplies the generator as any other point, with 256 doublings. Here the scalar stands
//! as four rows of 64 bits, which are taken column by column, two columns at a time: 32 doublings,
//! and for each column the one of fifteen sums, known beforehand, that its bits choose. Whatever the
//! bits are, the work is the same: every sum is looked at, and the crate's formulas for adding are
//! complete. On a microcontroller, where code counts for more than time, the crate's own way is
//! taken.

use p256::elliptic_curve::{group::Group, sec1::FromEncodedPoint};
use p256::{AffinePoint, EncodedPoint, NonZeroScalar, ProjectivePoint};
use subtle::{ConditionallySelectable, ConstantTimeEq};
use zeroize::Zeroizing;

/// The point whose discrete logarithm is `scalar`.
#[expect(
    clippy::arithmetic_side_effects,
    reason = "a sum of points does not overflow"
)]
pub(super) fn multiply(scalar: &NonZeroScalar) -> ProjectivePoint {
    let sums = SUMS.map(|half| half.map(|sum| point(&sum)));
    let bytes = Zeroizing::new(<[u8; 32]>::from(scalar.to_bytes()));
    // The first row is the most significant.
    let rows = bytes.as_chunks().0.iter().copied().map(u64::from_be_bytes);
    let mut product = ProjectivePoint::IDENTITY;
    for column in (0..HALF).rev() {
        product = product.double();
        for (column, sums) in [column.wrapping_add(HALF), column].into_iter().zip(&sums) {
            let bits = rows
                .clone()
                .map(|row| row.wrapping_shr(column).to_le_bytes()[0] & 1);
            let chosen = (0..)
                .zip(bits)
                .fold(0, |chosen, (row, bit)| chosen | bit << row);
            let mut sum = AffinePoint::IDENTITY;
            for (number, known) in (1_u8..).zip(sums) {
                sum.conditional_assign(known, number.ct_eq(&chosen));
            }
            product += sum;
        }
    }
    product
}

fn point(words: &[u64; 8]) -> AffinePoint {
    let mut coordinates = [0; 64];
    for (bytes, word) in coordinates.as_chunks_mut().0.iter_mut().zip(words) {
        *bytes = word.to_be_bytes();
    }
    let point = EncodedPoint::from_untagged_bytes(&coordinates.into());
    // All of them are on the curve: a test looks.
    AffinePoint::from_encoded_point(&point).unwrap_or(AffinePoint::IDENTITY)
}

/// Columns of a half of the rows.
const HALF: u32 = u64::BITS / 2;

/// The sum of 2^192 G where the first bit of the place (from 1 on) is set, of 2^128 G where the
/// second is, of 2^64 G and of G; before them 2^32 times each. x, then y, the most significant words
/// first.
#[rustfmt::skip]
const SUMS: [[[u64; 8]; 15]; 2] = [
    [
        [
            0x68f6_b854_2783_dfee, 0xeb5b_06e7_0ce0_8ffe, 0xfd75_f3fa_0187_6bd8, 0x6a70_3f10_e895_df07,
            0xcbe1_feba_92e4_0ce6, 0xfbc8_044d_fda4_5028, 0xcf52_93d2_f310_bf7f, 0x90c7_6f8a_7871_2655,
        ],
        [
            0x8a53_5f56_6ec7_3617, 0xf562_2df4_3737_1326, 0x9e4c_3587_4afd_f43a, 0xaee9_c75d_f7f8_2f2a,
            0x0455_c084_68b0_8bd7, 0x37e0_2819_085a_92bf, 0xcde5_3386_4c8c_7669, 0xc5f9_a0ac_2230_94b7,
        ],
        [
            0xe51f_547c_5972_a107, 0xb422_d1e7_bd6f_8514, 0x7ed0_31a0_e45c_2258, 0xeee4_4b35_7024_76b5,
            0x1c30_9a2b_25bb_1387, 0xa62f_98b3_a9fe_9a06, 0x8ca9_22ee_097c_184e, 0xa25b_cd6f_c9cf_343d,
        ],
        [
            0x4a5b_5066_12a6_77a6, 0x5788_0b3a_18a2_e902, 0xe9a5_21b0_74ca_0141, 0xa84a_a939_7512_218e,
            0xeb13_461c_eac0_89f1, 0xc426_04fb_e162_7d40, 0x626d_b154_19e2_6d9d, 0x0bea_da7a_4c4f_3840,
        ],
        [
            0x9616_1000_4a86_6aba, 0xc2d5_cba4_f234_0687, 0x57f2_929e_53d0_b876, 0x4bd6_b726_2336_9fc9,
            0x7acb_9fad_cee7_5e44, 0x2cf1_f243_8fe5_131c, 0x69ab_197d_92dd_cb24, 0x4999_7bcd_2e40_7a5e,
        ],
        [
            0x3e29_864e_8a2e_c908, 0x29a7_51b1_ae23_c5d8, 0x4d54_6068_12d6_6f3b, 0x7c5c_3e44_278c_340a,
            0x239b_90ea_3dc3_1e7e, 0x1f15_0e68_e322_d1ed, 0xad17_44c4_765b_d780, 0x142d_2a66_26db_b850,
        ],
        [
            0x1ed7_d1b9_3320_10b9, 0xa454_c3fa_d83f_aa56, 0x3876_cba1_102f_ad5f, 0x8c94_4e76_0fd5_9e11,
            0x3a2b_03f0_3217_257a, 0x52b5_20f0_eb6a_2a24, 0x05e4_d0dc_ac0c_d344, 0xa101_1a27_0024_b889,
        ],
        [
            0x7fe3_6b40_af22_af89, 0x2165_6b32_262c_71da, 0x1ab9_1936_5c65_dfb6, 0x3a5a_9e22_185a_5943,
            0xe697_d458_25b6_3624, 0x9f09_f404_07dc_a6f1, 0x74b3_d586_7b8a_f212, 0xd50d_152c_699c_a101,
        ],
        [
            0xd0b2_f94d_2f42_0109, 0x230f_729f_2250_e927, 0xfc82_ef0b_6ace_a274, 0xe998_ceea_4396_e4c1,
            0x9714_5982_8b07_19e5, 0x7db2_6366_5895_4e7a, 0x10b8_38f8_624c_3b45, 0x4305_addd_b38d_4966,
        ],
        [
            0x06ba_da7a_b77f_8276, 0x5050_a949_b6cd_c279, 0xf9a4_bf62_876d_c444, 0x0c0a_6e2c_9477_b5d9,
            0x5b47_6dfd_0e6c_b18a, 0x427d_4910_1366_eb70, 0xdebd_8a4b_7ea1_070f, 0xc8b4_aed1_ea48_dac9,
        ],
        [
            0x20b8_7b8a_a2c4_e503, 0xc504_9777_0801_1828, 0xb001_4883_3472_c98e, 0x9295_dbeb_1967_c459,
            0xf5c6_fa49_9197_76be, 0x0d11_adef_5f69_a044, 0x1bd5_3933_8fe5_82dd, 0x3063_175d_e057_c277,
        ],
        [
            0x0781_b829_1c6a_220a, 0xc342_967a_a815_c857, 0x5e52_c414_4103_ecbc, 0xf9fa_ed09_27a4_3281,
            0x690c_de8d_f015_1593, 0x97b2_a14f_1291_6434, 0x88f8_0eee_e54a_05e3, 0x5a83_43ce_eac5_5f80,
        ],
        [
            0x24eb_9acc_a333_bf5b, 0xa60d_880f_6f75_aaea, 0xf57f_0c91_7aea_685b, 0x254e_8394_23d2_d4c0,
            0x69f8_91c5_acd0_79cc, 0x7431_25f8_8bac_4c4d, 0xfeef_9341_c51a_6b4f, 0xe3de_4ccb_1cda_5dea,
        ],
        [
            0x820f_4dd9_49f7_2ff7, 0xdbca_b759_f886_2ed4, 0x305d_de67_0977_6f8e, 0x78c4_1652_7a53_322a,
            0x1404_06ec_783a_05ec, 0x1b48_1b1b_215c_14d3, 0x75be_5d93_7b4e_8cc4, 0x6cc5_44a6_2b5d_ebd4,
        ],
        [
            0x15fe_e545_c78d_d9f6, 0xfc7d_229c_a005_8c3b, 0xf330_240d_b58d_5a62, 0xf20f_c2af_df1d_043d,
            0x4ab5_b6b2_b875_3f81, 0x557d_9f49_4612_10fb, 0x41ef_80e5_d046_ac04, 0x501e_8288_5bc9_8cda,
        ],
    ],
    [
        [
            0xa6d3_9677_a784_9276, 0x2736_ff83_4431_5fc5, 0x9643_9591_a3c6_b94a, 0x6cf2_0ffb_3137_28be,
            0x674f_8474_9b0b_8816, 0x66b8_babd_2d27_ecdf, 0x824a_920c_2284_059b, 0xf2ba_b833_c357_f5f4,
        ],
        [
            0x447d_739b_eedb_5e67, 0xfb98_2fd5_88c6_766e, 0xfc35_ff7d_c297_eac3, 0x57c8_4fc9_d789_bd85,
            0x2d48_25ab_8341_31ee, 0xe12e_9d95_3a4a_aff7, 0x3d34_9b95_a7fa_e500, 0x0c7e_33c9_72e2_5b32,
        ],
        [
            0x68f3_44af_6b31_7466, 0xefe0_a423_083e_49f3, 0x43a0_a28c_42ba_792f, 0xe96a_79fb_3e72_ad0c,
            0x31b9_c405_f854_0a20, 0x604e_d93c_24d6_7ff3, 0x668b_fc22_71f5_c626, 0xcdfe_17db_3fb2_4d4a,
        ],
        [
            0x0fa8_22bc_2811_aaa5, 0x8492_592e_326e_25de, 0x2949_3baa_ad65_1f7e, 0x90e7_5cb4_8e14_db63,
            0xbff4_4ae8_f5db_a80d, 0x6f4a_d4bc_b3df_188b, 0x34b1_a650_50fe_82f5, 0xe411_2454_5f46_2ee7,
        ],
        [
            0x7887_8ef6_1c6c_e04d, 0x7fdc_1ca0_08a1_c478, 0xd1f8_9e79_9c0c_e131, 0x6ef9_5150_dda8_68b9,
            0xb6cb_3f5d_7b72_c321, 0xde53_142c_1230_9def, 0x6ace_570e_bde0_8d4f, 0x9c62_b912_1fe0_d976,
        ],
        [
            0x5506_6379_7b51_f5d8, 0x7dea_6482_e112_38bf, 0x2936_df5e_c6c9_bc36, 0xcae2_b192_0b57_f4bc,
            0x1571_6484_8aec_b851, 0x0afa_4001_8d9d_50e5, 0x9fb3_d576_dbde_fbe1, 0x44ff_e216_348a_964c,
        ],
        [
            0x1edd_bae2_c802_e41a, 0x1232_02a8_f62b_ff7a, 0xafdf_5cc0_8526_a7a4, 0x7434_6c10_a1d4_cfac,
            0x4310_4d86_560e_bcfc, 0x0c45_f452_73db_33a0, 0x36e0_6b7e_4c70_1917, 0x8fa0_af2d_d603_f844,
        ],
        [
            0x6b17_d1f2_e12c_4247, 0xf8bc_e6e5_63a4_40f2, 0x7703_7d81_2deb_33a0, 0xf4a1_3945_d898_c296,
            0x4fe3_42e2_fe1a_7f9b, 0x8ee7_eb4a_7c0f_9e16, 0x2bce_3357_6b31_5ece, 0xcbb6_4068_37bf_51f5,
        ],
        [
            0x4e76_9e76_72c9_ddad, 0x3185_5f7d_b8c7_fedb, 0x74e0_2f08_0203_a56b, 0x2df4_8c04_677c_8a3e,
            0x42b9_9082_de83_0663, 0x1ec0_0572_0694_7281, 0xfb9a_e16f_3b91_22a5, 0xa4c3_6165_b824_bbb0,
        ],
        [
            0xef95_1932_8a9c_72ff, 0xddc6_068b_b91d_fc60, 0xef7f_bd2b_1a0a_11b7, 0x1394_9c93_2a1d_367f,
            0x611e_9fc3_7dbb_2c9b, 0xc1ee_9807_022c_219c, 0x2318_3b08_95ca_1740, 0x1960_35a7_7376_d8a8,
        ],
        [
            0x4052_bf4b_6f46_1db9, 0x663c_62c3_edba_d7a0, 0x0d1a_1014_4ec3_9c28, 0xd36b_4789_a258_2e7f,
            0xfecf_4d51_90b0_fc61, 0x862b_e6bd_71d7_0cc8, 0xe724_f339_99bf_cc5b, 0x235a_27c3_188d_25eb,
        ],
        [
            0x300a_4bbc_89d6_726f, 0xb257_c0de_95e0_2789, 0xe96c_98fd_0d35_f1fa, 0x9339_1ce2_0979_92af,
            0x72aa_c7e0_d09b_4644, 0x7f1d_db25_ff1e_3c6f, 0x5bb1_eead_a9d8_06a5, 0xaa54_a291_c081_27a0,
        ],
        [
            0x0c88_bc4d_716b_1287, 0x595c_5220_812f_fcae, 0x5b82_dd5b_d54f_b496, 0x7f99_1ed2_c31a_3573,
            0xdd5d_dea3_f390_1dc6, 0x18d1_b5b3_9c04_e6aa, 0x7c81_81f4_df25_64f3, 0x3a57_bf63_5f48_aca8,
        ],
        [
            0xeb5d_7745_b211_41ea, 0xa2e8_f483_f43e_4391, 0x7ccd_84e7_0d71_5f26, 0xe48e_caff_fc5c_de01,
            0xeafd_72eb_dbec_c17b, 0x0990_e6a1_5800_6cee, 0x85f2_2cfe_2844_b645, 0xcac9_17e2_731a_3479,
        ],
        [
            0xb48e_26b4_84f7_a21c, 0x0a4a_46fb_6aaf_363a, 0x66b0_de32_25c4_744b, 0x9615_b511_0d1d_78e5,
            0xfac0_1540_4d4d_3dab, 0x6413_1bcd_fed6_f668, 0xc004_e404_8b7b_0f98, 0x06eb_b0f6_21a0_1b2d,
        ],
    ],
];

#[cfg(test)]
mod tests {
    use super::*;
    use p256::Scalar;
    use p256::elliptic_curve::{Field as _, PrimeField as _};
    use rand_core::OsRng;

    fn both_ways(scalar: Scalar) {
        let scalar = NonZeroScalar::new(scalar).unwrap();
        assert_eq!(multiply(&scalar), ProjectivePoint::GENERATOR * *scalar);
    }

    #[test]
    fn every_sum_is_what_it_says() {
        let halves = [Scalar::from(1_u64 << HALF), Scalar::ONE];
        for (half, sums) in halves.into_iter().zip(&SUMS) {
            for (place, words) in (1_u64..).zip(sums) {
                // The first bit is the most significant row's.
                let scalar = (0..4).fold(Scalar::ZERO, |scalar, row| {
                    scalar * row_above() + Scalar::from(place >> row & 1)
                });
                let sum = ProjectivePoint::from(point(words));
                let expected = ProjectivePoint::GENERATOR * (scalar * half);
                assert_eq!(sum, expected, "{place}");
            }
        }
    }

    fn row_above() -> Scalar {
        Scalar::from(1_u64 << 63).double()
    }

    #[test]
    fn a_multiple_is_the_one_of_the_crate_at_the_ends_of_the_scalars() {
        let powers = (0..256).map(|power| Scalar::from(2_u64).pow_vartime(&[power]));
        for power in powers {
            both_ways(power);
            both_ways(-power);
        }
        both_ways(Scalar::from_repr([0x55; 32].into()).unwrap());
    }

    #[test]
    fn a_multiple_is_the_one_of_the_crate_for_any_scalar() {
        for _ in 0..500 {
            both_ways(Scalar::random(&mut OsRng));
        }
    }
}
