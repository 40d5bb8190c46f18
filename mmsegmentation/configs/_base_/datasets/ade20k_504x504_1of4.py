_base_ = './ade20k_504x504_1of2.py'
data = dict(train=dict(max_image_num=20210 // 4))
